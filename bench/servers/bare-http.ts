/**
 * The measure of HTTP: `node:http` with nothing behind it. `node bare-http.ts ANSWERS` reads each request to its end and
 * answers v2's path and everything else as the JSON says; prints its port.
 */
import { createServer } from 'node:http'
import type { Answers } from './bare.ts'

const answers = JSON.parse(process.argv[2] ?? '') as Answers

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    // Whoever serves a call needs the body in one piece.
    Buffer.concat(chunks)
    const { status, headers, body } = request.url === '/' ? answers.v1 : answers.v2
    response.writeHead(status, [...headers])
    response.end(body)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
