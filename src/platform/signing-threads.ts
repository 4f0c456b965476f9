/**
 * Threads that sign at a low priority, so that accepting mail keeps its pace while a queue is emptied: an RSA signature
 * takes as long as accepting several messages. They start when signatures pile up; before that, where the system gives
 * threads no priorities of their own, and for what a thread had that died, Node's own threads sign.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Log } from './platform.ts'
import { type SignOctets, signOnNodesThreads, type SignRequest } from './signing.ts'
import type { ThreadAnswer, ThreadMessage, ThreadRequest } from './signing-thread.ts'

export type SigningThreads = {
  readonly sign: SignOctets
  /** Threads that sign now. */
  readonly count: () => number
  /** Ends the threads; what they had, and what comes later, is signed all the same. */
  readonly close: () => void
}

/** So many signatures under way at once mean that there is a queue. */
const START_AT = 8
/** Requests that a thread has at a time: enough that it never waits for the next, too few to wait long behind. */
const WINDOW = 8
/** Threads that die of themselves are replaced so often; then something is wrong that the next would die of too. */
const MOST_DEATHS = 3

type Waiting = SignRequest & { readonly resolve: (signature: Buffer | Promise<Buffer>) => void }

type Deps = {
  readonly log: Log
  /** How many; 0: none. */
  readonly threads?: number | undefined
  readonly thread?: URL
}

export function createSigningThreads({
  log,
  threads = availableParallelism(),
  thread = new URL('./signing-thread.ts', import.meta.url),
}: Deps): SigningThreads {
  const pool = new Pool(log, threads, thread)
  return { sign: (request) => pool.sign(request), count: () => pool.count(), close: () => pool.close() }
}

class Pool {
  readonly #log: Log
  readonly #wanted: number
  readonly #file: URL
  readonly #members = new Set<Member>()
  readonly #queue: Waiting[] = []
  #underWay = 0
  #deaths = 0
  #isUsable: boolean
  #isPumped = false

  constructor(log: Log, wanted: number, file: URL) {
    this.#log = log
    this.#wanted = wanted
    this.#file = file
    this.#isUsable = wanted > 0
  }

  async sign(request: SignRequest): Promise<Buffer> {
    this.#underWay++
    try {
      if (this.#isUsable && this.#underWay >= START_AT && this.#members.size === 0) this.#start()
      if (this.#ready().length === 0) return await signOnNodesThreads(request)
      const { promise, resolve } = Promise.withResolvers<Buffer>()
      this.#queue.push({ ...request, resolve })
      this.#pumpSoon()
      return await promise
    } finally {
      this.#underWay--
    }
  }

  count(): number {
    return this.#ready().length
  }

  close(): void {
    this.#isUsable = false
    for (const member of this.#members) this.#drop(member)
  }

  #start(): void {
    for (let started = 0; started < this.#wanted; started++) {
      const member: Member = new Member(this.#file, {
        ready: (isLowered) => {
          if (!isLowered) this.#doWithout('the system gives threads no priorities of their own')
        },
        free: () => this.#pump(),
        gone: (error) => {
          this.#deaths++
          this.#log.warn('a thread that signs has died', { error })
          this.#drop(member)
          if (this.#deaths > MOST_DEATHS) this.#doWithout('they die')
        },
      })
      this.#members.add(member)
    }
  }

  #doWithout(why: string): void {
    if (this.#isUsable) this.#log.info('mail is signed without threads of low priority', { why })
    this.close()
  }

  /** What it had is signed by others. */
  #drop(member: Member): void {
    if (!this.#members.delete(member)) return
    const left = member.end()
    if (this.#ready().length > 0) this.#queue.unshift(...left)
    else for (const each of [...left, ...this.#queue.splice(0)]) each.resolve(signOnNodesThreads(each))
    this.#pump()
  }

  #ready(): readonly Member[] {
    return [...this.#members].filter(({ isReady }) => isReady)
  }

  /** After all that is asked for in this turn of the event loop, so that it goes over in one message. */
  #pumpSoon(): void {
    if (this.#isPumped) return
    this.#isPumped = true
    queueMicrotask(() => {
      this.#isPumped = false
      this.#pump()
    })
  }

  #pump(): void {
    const ready = this.#ready()
    for (const [index, member] of ready.entries()) {
      const share = Math.ceil(this.#queue.length / (ready.length - index))
      const batch = this.#queue.splice(0, Math.min(share, member.room()))
      if (batch.length > 0) member.take(batch)
    }
  }
}

type Listener = {
  readonly ready: (isLowered: boolean) => void
  readonly free: () => void
  readonly gone: (error: unknown) => void
}

class Member {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  isReady = false

  constructor(file: URL, { ready, free, gone }: Listener) {
    this.#worker = new Worker(file)
    this.#worker.unref()
    this.#worker.on('message', (message: ThreadMessage) => {
      if ('isLowered' in message) {
        this.isReady = message.isLowered
        ready(message.isLowered)
        return
      }
      for (const answer of message) this.#answered(answer)
      free()
    })
    let reason: unknown
    this.#worker.on('error', (error: unknown) => (reason = error))
    this.#worker.on('exit', () => gone(reason))
  }

  room(): number {
    return WINDOW - this.#waiting.size
  }

  take(batch: readonly Waiting[]): void {
    const requests = batch.map((waiting): ThreadRequest => {
      const id = this.#next++
      this.#waiting.set(id, waiting)
      const { digest, octets, key } = waiting
      return { id, digest, octets, key }
    })
    this.#worker.ref()
    this.#worker.postMessage(requests, [])
  }

  /** Gives what it had not answered. */
  end(): readonly Waiting[] {
    this.isReady = false
    this.#worker.removeAllListeners()
    void this.#worker.terminate()
    return [...this.#waiting.values()]
  }

  #answered({ id, signature }: ThreadAnswer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#worker.unref()
    // OpenSSL's own words for what is wrong.
    waiting?.resolve(signature === undefined ? signOnNodesThreads(waiting) : Buffer.from(signature))
  }
}
