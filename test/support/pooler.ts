/** What a pooler in transaction mode makes of a connection: everything gets through but notices. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ending } from './ending.ts'

export type Pooler = AsyncDisposable & { readonly url: string }

/** PostgreSQL's NotificationResponse (protocol, “Message Formats”). */
const NOTIFICATION = 'A'.charCodeAt(0)

/** Stands before the server of a `postgres://` URL whose host is the folder of its socket. */
export async function startPooler(url: string): Promise<Pooler> {
  const folder = await mkdtemp(join(tmpdir(), 'sesame-pooler-'))
  const behind = decodeURIComponent(/@([^/]+)/.exec(url)?.[1] ?? '')
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const database = createConnection(join(behind, '.s.PGSQL.5432'))
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        database.destroy()
      })
    }
    client.pipe(database)
    let rest = Buffer.alloc(0)
    database.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      // A letter, and the length of what follows with itself.
      for (let end = lengthOf(rest); end !== undefined; end = lengthOf(rest)) {
        if (rest[0] !== NOTIFICATION) client.write(rest.subarray(0, end))
        rest = rest.subarray(end)
      }
    })
  })
  server.listen(join(folder, '.s.PGSQL.5432'))
  await once(server, 'listening')
  return {
    url: url.replace(encodeURIComponent(behind), encodeURIComponent(folder)),
    [Symbol.asyncDispose]: ending(async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await rm(folder, { recursive: true })
    }),
  }
}

function lengthOf(data: Buffer): number | undefined {
  if (data.length < 5) return undefined
  const length = 1 + data.readUInt32BE(1)
  return data.length < length ? undefined : length
}
