/** Group commit, the calling side: what arrives while a batch is being committed makes up the next batch. */
import { SesError } from '../errors/fail.ts'
import type { Log } from '../platform/platform.ts'
import type { Command, Db } from './db.ts'
import type { WriteMetrics } from './store.ts'

/** A command on its way to the connection that runs it. On arrival its payload is `never`: only the command knows it. */
export type Call<P = unknown> = {
  readonly name: string
  readonly payload: P
  readonly data: Uint8Array
}

/** What became of a call. */
export type Answer<R> = { readonly ok: true; readonly result: R } | { readonly ok: false; readonly error: unknown }

/**
 * What became of a batch, its answers in the order of the calls. `unavailable`: nothing of it was written, or nobody
 * knows (the connection broke while it was committed). `lost`: the next one would fare no better.
 */
export type BatchReply<R = unknown> =
  | { readonly committed: true; readonly answers: readonly Answer<R>[] }
  | { readonly committed: false; readonly unavailable: string; readonly lost?: boolean }

/** Bounds on one transaction, so that those behind it do not wait long and its pages fit into the cache. */
const CALLS_PER_BATCH = 256
const BYTES_PER_BATCH = 4 * 1024 * 1024
/**
 * Bounds on what may wait. At some 10,000 acceptances a second the first is a wait of a second; the second lets six
 * of SES's largest messages wait. Whatever comes beyond is refused at once.
 */
const CALLS_WAITING = 10_000
const BYTES_WAITING = 256 * 1024 * 1024

const NOTHING: Uint8Array = new Uint8Array(0)

/** Runs a batch; never rejects. The results are `never` until {@link GroupCommit.write} gives them to their callers. */
export type SendBatch = (calls: readonly Call[]) => Promise<BatchReply<never>>

/** A call and its caller. */
type Write = {
  readonly call: Call
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

export class GroupCommit {
  readonly #send: SendBatch
  readonly #log: Log
  readonly #batchesAtOnce: number
  #waiting: Write[] = []
  #waitingBytes = 0
  #outstanding = 0
  #flushDue = false
  #closed = false
  /** Batches that failed since the last one that did not. */
  #failures = 0
  #commits = 0
  #writes = 0
  #whenIdle: (() => void)[] = []

  /** `batchesAtOnce`: how many are sent before the first of them is answered. */
  constructor(send: SendBatch, log: Log, batchesAtOnce: number) {
    this.#send = send
    this.#log = log
    this.#batchesAtOnce = batchesAtOnce
  }

  /** See {@link Db.write}. */
  readonly write: Db['write'] = <P, R>({ name, isUrgent }: Command<P, R>, payload: P, data = NOTHING): Promise<R> => {
    if (this.#closed) return Promise.reject(serviceUnavailable('the store is closed'))
    const isFull = this.#waiting.length >= CALLS_WAITING || this.#waitingBytes + data.byteLength > BYTES_WAITING
    if (isFull && !isUrgent) {
      return Promise.reject(serviceUnavailable('too many writes wait'))
    }
    return new Promise<R>((resolve, reject) => {
      const write: Write = { call: { name, payload, data }, resolve, reject }
      if (isUrgent) this.#waiting.unshift(write)
      else this.#waiting.push(write)
      this.#waitingBytes += data.byteLength
      // What the same turn of the event loop still brings goes along: it costs a lone write nothing.
      if (!this.#flushDue) {
        this.#flushDue = true
        setImmediate(() => this.#flush())
      }
    })
  }

  metrics(): WriteMetrics {
    return { commits: this.#commits, writes: this.#writes, waiting: this.#waiting.length }
  }

  /** Takes no more writes; resolves when those taken are done. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#waiting.length + this.#outstanding > 0) {
      await new Promise<void>((resolve) => void this.#whenIdle.push(resolve))
    }
  }

  #flush(): void {
    this.#flushDue = false
    while (this.#outstanding < this.#batchesAtOnce && this.#waiting.length > 0) void this.#run(this.#nextBatch())
  }

  #nextBatch(): readonly Write[] {
    let length = 0
    let bytes = 0
    for (const { call } of this.#waiting) {
      const { byteLength } = call.data
      if (length === CALLS_PER_BATCH || (length > 0 && bytes + byteLength > BYTES_PER_BATCH)) break
      length += 1
      bytes += byteLength
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, length)
  }

  #takeAll(): readonly Write[] {
    this.#waitingBytes = 0
    return this.#waiting.splice(0)
  }

  async #run(batch: readonly Write[]): Promise<void> {
    this.#outstanding += 1
    const reply = await this.#send(batch.map(({ call }) => call))
    this.#outstanding -= 1
    this.#answer(batch, reply)
    this.#flush()
    if (this.#waiting.length + this.#outstanding === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  #answer(batch: readonly Write[], reply: BatchReply<never>): void {
    if (!reply.committed) {
      // Once, not for each of thousands of batches while a disk is full.
      if (this.#failures === 0) this.#log.error('the database cannot write', { reason: reply.unavailable })
      this.#failures += 1
      for (const { reject } of [...batch, ...(reply.lost ? this.#takeAll() : [])]) {
        reject(serviceUnavailable(reply.unavailable))
      }
      return
    }
    if (this.#failures > 0) this.#log.info('the database writes again', { batchesLost: this.#failures })
    this.#failures = 0
    this.#commits += 1
    this.#writes += batch.length
    for (const [index, { call, resolve, reject }] of batch.entries()) {
      const answer = reply.answers[index]
      if (answer?.ok) resolve(answer.result)
      else reject(new Error(`the write command ${call.name} failed`, { cause: answer?.error }))
    }
  }
}

/** What a caller sees of a database that does not answer. He reads no internals; they are the cause, for the log. */
export function serviceUnavailable(reason: string): SesError {
  return new SesError('ServiceUnavailable', 'Service is temporarily unavailable.', {}, new Error(reason))
}
