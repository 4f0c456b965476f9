/** A network between client and server that a test can break: a TCP port before a Unix socket. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { ending } from './ending.ts'

export type Proxy = AsyncDisposable & {
  readonly port: number
  /** `open`: octets pass; `deaf`: what the server says is swallowed; `dead`: nothing passes, as if a cable were pulled. */
  mode: 'open' | 'deaf' | 'dead'
  /** How many octets of the server's were swallowed so far. */
  readonly swallowed: number
  /** Resets all connections, as a firewall does that has forgotten them. */
  cut(): void
}

/** Starts it on a free port of the loopback interface. */
export async function startProxy(socketPath: string): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ path: socketPath, allowHalfOpen: true })
    for (const socket of [client, upstream]) keep(socket)
    client.on('data', (octets) => proxy.mode !== 'dead' && upstream.write(octets))
    client.on('end', () => proxy.mode !== 'dead' && upstream.end())
    upstream.on('data', (octets) => {
      if (proxy.mode === 'open') client.write(octets)
      else swallowed += octets.length
    })
    upstream.on('end', () => proxy.mode !== 'dead' && client.end())
    client.on('close', () => proxy.mode !== 'dead' && upstream.destroy())
  })
  let swallowed = 0
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    mode: 'open',
    get swallowed() {
      return swallowed
    },
    cut,
    [Symbol.asyncDispose]: ending(async () => {
      cut()
      server.close()
      await once(server, 'close')
    }),
  }
  return proxy
}

/** The URL of a database behind a proxy instead of a Unix socket. */
export function through(proxy: Proxy, url: string): string {
  return url.replace(/@[^/]*\//, `@127.0.0.1:${proxy.port}/`)
}
