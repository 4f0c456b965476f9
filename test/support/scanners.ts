/** Content scanners that speak the real protocols: clamd's INSTREAM and rspamd's HTTP. */
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { ending } from './ending.ts'

/** What is bad to both. */
export const BAD = 'this is bad content'

export type FakeClamd = AsyncDisposable & {
  readonly port: number
  /** Messages that were shown, whole. */
  readonly shown: Buffer[]
  /** What it answers instead of its verdict; `hang`: nothing; `drop`: hangs up; `early`: ERROR and hangs up at the first chunk. */
  answer: string | undefined
}

/** On a free port of the loopback, or on a Unix socket. */
export async function startClamd(path?: string): Promise<FakeClamd> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    converse(socket, clamd)
  })
  const port = await listen(server, path)
  const clamd: FakeClamd = {
    port,
    shown: [],
    answer: undefined,
    [Symbol.asyncDispose]: ending(async () => {
      for (const socket of sockets) socket.destroy()
      await close(server)
    }),
  }
  return clamd
}

const COMMAND = 'zINSTREAM\0'

function converse(socket: Socket, clamd: FakeClamd): void {
  let heard = Buffer.alloc(0)
  socket.on('data', (octets) => {
    heard = Buffer.concat([heard, Buffer.from(octets)])
    if (clamd.answer === 'drop') return void socket.destroy()
    if (clamd.answer === 'early' && heard.length > COMMAND.length) {
      return void socket.end('INSTREAM size limit exceeded. ERROR\0')
    }
    if (heard.length < COMMAND.length) return
    if (heard.toString('latin1', 0, COMMAND.length) !== COMMAND) return void socket.end('UNKNOWN COMMAND\0')
    const message = messageIn(heard.subarray(COMMAND.length))
    if (message === undefined) return
    clamd.shown.push(message)
    if (clamd.answer === 'hang') return
    socket.end(clamd.answer ?? (message.includes(BAD) ? 'stream: Test.Bad FOUND\0' : 'stream: OK\0'))
  })
}

/** Chunks with their lengths in front; undefined: not all of them are there. */
function messageIn(stream: Buffer): Buffer | undefined {
  const chunks: Buffer[] = []
  for (let at = 0; at + 4 <= stream.length;) {
    const length = stream.readUInt32BE(at)
    if (length === 0) return Buffer.concat(chunks)
    chunks.push(stream.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return undefined
}

export type FakeRspamd = AsyncDisposable & {
  readonly url: string
  readonly shown: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }[]
  /** What it advises for what is not bad. */
  action: string
  status: number
  /** The whole answer, instead. */
  answer: string | undefined
}

export async function startRspamd(): Promise<FakeRspamd> {
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      rspamd.shown.push({ path: `${request.method} ${request.url}`, headers: request.headers, body })
      const action = body.includes(BAD) ? 'reject' : rspamd.action
      response.writeHead(rspamd.status, { 'content-type': 'application/json' })
      response.end(rspamd.answer ?? JSON.stringify({ is_skipped: false, score: 15.5, required_score: 15, action }))
    })
  })
  const port = await listen(server)
  const rspamd: FakeRspamd = {
    url: `http://127.0.0.1:${port}`,
    shown: [],
    action: 'no action',
    status: 200,
    answer: undefined,
    [Symbol.asyncDispose]: ending(async () => {
      server.closeAllConnections()
      await close(server)
    }),
  }
  return rspamd
}

async function listen(server: Server, path?: string): Promise<number> {
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  const at = server.address()
  return typeof at === 'object' && at !== null ? at.port : 0
}

async function close(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
