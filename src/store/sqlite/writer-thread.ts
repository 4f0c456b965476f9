/** The thread that writes, as the main thread sees it. */
import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { Log } from '../../platform/platform.ts'
import { COMMANDS } from '../commands.ts'
import type { BatchReply, Call } from '../group-commit.ts'
import { pack } from './crossing.ts'
import type { WriterData } from './writer.ts'

/** As for the main thread (bin/sesame): left alone it grows to three times as much under load, and never shrinks. */
const YOUNG_GENERATION_MB = 24

/**
 * Starts the thread and hands it batches. Should the thread die, every batch under way counts as not written (its
 * callers learn that it failed, as when the whole process dies), and the next batch starts a new thread: what was
 * committed is in the file, what was not is rolled back when it is opened.
 */
export class WriterThread {
  readonly #path: string
  readonly #log: Log
  #worker: Worker | undefined
  /** Batches sent, in the order in which they will be answered. */
  #underWay: ((reply: BatchReply<never>) => void)[] = []
  #closing = false

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
    this.#worker = this.#start()
  }

  /** Runs a batch; never rejects. */
  readonly send = (calls: readonly Call[]): Promise<BatchReply<never>> => {
    return new Promise((resolve) => {
      this.#worker ??= this.#start()
      this.#underWay.push(resolve)
      try {
        const crossing = pack(calls, COMMANDS)
        this.#worker.postMessage(crossing, [crossing.data.buffer])
      } catch (error) {
        // A payload that cannot be cloned: a bug of its caller's, which must not stall the batches behind it.
        this.#underWay.splice(this.#underWay.indexOf(resolve), 1)
        resolve({ committed: false, unavailable: String(error) })
      }
    })
  }

  /** Ends the thread when what was sent is done; the last connection to close removes the WAL. */
  async close(): Promise<void> {
    this.#closing = true
    const worker = this.#worker
    if (worker === undefined) return
    const ended = once(worker, 'exit')
    worker.postMessage(null, [])
    await ended
  }

  #start(): Worker {
    const data: WriterData = { path: this.#path }
    // A thread does not take over the compile cache of the process: without it it starts 40 ms later and 18 MB larger.
    const cache = getCompileCacheDir()
    const worker = new Worker(new URL('./writer.ts', import.meta.url), {
      name: 'sesame-writer',
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
    })
    worker.on('message', (reply: BatchReply<never>) => this.#underWay.shift()?.(reply))
    worker.on('error', (error) => this.#log.error('the thread that writes failed', { error }))
    worker.on('exit', () => this.#ended(worker))
    return worker
  }

  #ended(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    if (!this.#closing) this.#log.error('the thread that writes ended', { batchesLost: this.#underWay.length })
    for (const resolve of this.#underWay.splice(0)) {
      resolve({ committed: false, unavailable: 'the thread that writes ended' })
    }
  }
}
