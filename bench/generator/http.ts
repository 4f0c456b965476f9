/** HTTP load: bare sockets that are kept, one request in flight on each, so that little of the CPU goes into asking. */
import { connect, type Socket } from 'node:net'
import { RequestPool } from './requests.ts'
import type { HttpSpec } from './spec.ts'
import type { Tally } from './tally.ts'

const POOL = 1024
/** Due requests that found no connection: beyond it the server is far from keeping up, and the answer is clear. */
const MAX_WAITING = 50_000
const TICK_MS = 1
const RECONNECT_MS = 20

/** Sends until the tally is over. */
export function driveHttp(spec: HttpSpec, tally: Tally): void {
  const pools = spec.targets.map(({ host, port }) => new RequestPool(`http://${host}:${port}`, spec.surface, POOL))
  const pace = spec.rate === undefined ? undefined : new Pace(spec.rate, tally)
  for (let index = 0; index < spec.connections; index++) {
    const target = spec.targets[index % spec.targets.length]
    const pool = pools[index % pools.length]
    if (target === undefined || pool === undefined) throw new Error('no targets')
    const connection = new Connection(target, pool, tally)
    connection.onIdle = pace === undefined ? () => connection.send(performance.now()) : () => pace.offer(connection)
    connection.open()
  }
  pace?.start()
}

/** Lets requests become due at an even rate, and gives them to the connections. */
class Pace {
  readonly #everyMs: number
  readonly #tally: Tally
  readonly #idle: Connection[] = []
  readonly #due: number[] = []
  #next = 0

  constructor(rate: number, tally: Tally) {
    this.#everyMs = 1000 / rate
    this.#tally = tally
  }

  start(): void {
    this.#next = performance.now()
    const tick = (): void => {
      if (this.#tally.isOver) return
      for (const now = performance.now(); this.#next <= now; this.#next += this.#everyMs) this.#due.push(this.#next)
      if (this.#due.length > MAX_WAITING) throw new Error('the server does not keep up with the rate')
      this.#pump()
      setTimeout(tick, TICK_MS)
    }
    tick()
  }

  offer(connection: Connection): void {
    this.#idle.push(connection)
    this.#pump()
  }

  #pump(): void {
    while (this.#idle.length > 0) {
      const dueAt = this.#due.shift()
      if (dueAt === undefined) return
      this.#idle.pop()?.send(dueAt)
    }
  }
}

class Connection {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #pool: RequestPool
  readonly #tally: Tally
  onIdle: () => void = () => {}
  #socket: Socket | undefined
  #received = ''
  /** When the request in flight was due; undefined: there is none. */
  #dueAt: number | undefined

  constructor(target: { readonly host: string; readonly port: number }, pool: RequestPool, tally: Tally) {
    this.#target = target
    this.#pool = pool
    this.#tally = tally
  }

  open(): void {
    const socket = connect({ ...this.#target, noDelay: true })
    this.#socket = socket
    socket.on('connect', () => this.onIdle())
    socket.on('data', (chunk: Buffer) => this.#data(chunk))
    socket.on('error', (error) => this.#tally.failed(error.message))
    socket.on('close', () => this.#closed())
  }

  send(dueAt: number): void {
    if (this.#tally.isOver) return
    this.#dueAt = dueAt
    this.#received = ''
    this.#socket?.write(this.#pool.next(performance.now()))
  }

  #data(chunk: Buffer): void {
    this.#received += chunk.toString('latin1')
    const answer = completeAnswer(this.#received)
    const dueAt = this.#dueAt
    if (answer === undefined || dueAt === undefined) return
    this.#dueAt = undefined
    const isAccepted = answer.status >= 200 && answer.status < 300 && answer.body.includes('MessageId')
    if (isAccepted) this.#tally.accepted(performance.now() - dueAt)
    else this.#tally.failed(`${answer.status} ${answer.body}`)
    if (answer.isLast) this.#socket?.destroy()
    else this.onIdle()
  }

  #closed(): void {
    if (this.#tally.isOver) return
    if (this.#dueAt !== undefined) this.#tally.failed('the connection was closed before the answer')
    this.#dueAt = undefined
    setTimeout(() => this.open(), RECONNECT_MS)
  }
}

type Answer = { readonly status: number; readonly body: string; readonly isLast: boolean }

const LENGTH = /\r\ncontent-length: *(\d+)\r\n/i
const CLOSE = /\r\nconnection: *close\r\n/i

/** undefined: some of it has yet to come. */
function completeAnswer(received: string): Answer | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = received.slice(0, end + 2)
  const body = received.slice(end + 4)
  const length = LENGTH.exec(head)?.[1]
  const isComplete = length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length)
  if (!isComplete) return undefined
  return { status: Number(head.slice(9, 12)), body, isLast: CLOSE.test(head) }
}
