/** Which room of src/ may import which: the whole structure of the project in one table (docs/architecture.md). */

export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  errors: [],
  config: ['errors', 'platform'],
  model: [],
  message: ['errors', 'platform'],
  store: ['errors', 'platform'],
  queue: ['store', 'platform'],
  delivery: ['message', 'platform'],
  events: ['store', 'platform', 'errors'],
  domain: ['store', 'events', 'message', 'config', 'platform', 'errors'],
  operations: ['domain', 'model', 'errors'],
  http: ['model', 'errors', 'config', 'platform'],
  smtp: ['message', 'errors', 'config', 'platform'],
}

/** Rooms that compose the others, and so may import everything. */
export const COMPOSERS = ['cli', 'app', 'servers', 'answers', 'deliver']

/** npm packages, and the rooms that may use them. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@aws-sdk/client-ses': ['model'],
  '@aws-sdk/client-sesv2': ['model'],
  'dns-packet': ['platform'],
  'iconv-lite': ['message'],
  pg: ['store'],
  'postal-mime': ['message'],
  selfsigned: ['smtp'],
  yaml: ['config'],
}

/** Node's own modules that reach the outside, and the rooms that may use them. */
export const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  // config/ asks it whether a text is an address, and nothing else; store/ has PostgreSQL cancel a statement over it.
  'node:net': ['smtp', 'http', 'platform', 'cli', 'config', 'store'],
  'node:tls': ['smtp', 'http', 'platform', 'cli'],
  'node:http': ['http', 'platform', 'cli'],
  'node:https': ['http', 'platform', 'cli'],
  'node:dgram': ['platform'],
  'node:dns': [],
  'node:dns/promises': [],
  'node:child_process': [],
  'node:sqlite': ['store', 'platform'],
  // platform/ signs in threads.
  'node:worker_threads': ['store', 'platform'],
}

/** Nothing outside platform/ and main.ts reaches for time, chance, the process or the network by itself. */
export const REACHES = [
  /\bDate\.now\(/,
  /\bnew Date\(\)/,
  /\bMath\.random\(/,
  /\bsetTimeout\(/,
  /\bsetInterval\(/,
  /(?<![.\w#]|async )fetch\(/,
  /\bprocess\.(?!emitWarning)/,
]
