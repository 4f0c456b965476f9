/**
 * Node's HTTP server. An `import` of node:http makes Node load its whole HTTP client as well, for the names that the
 * module exports: some 30 ms and 15 MB at every start.
 */
export const { createServer } = process.getBuiltinModule('node:http')
