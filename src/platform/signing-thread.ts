/** A thread that signs, at a priority below that of the rest of the program. */
import { sign } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import type { SignRequest } from './signing.ts'

export type ThreadRequest = SignRequest & { readonly id: number }
/** `signature` undefined: OpenSSL would not, and says why to whoever asks it again. */
export type ThreadAnswer = { readonly id: number; readonly signature: Uint8Array | undefined }
/** First whether the thread runs at a lower priority, then a batch of answers for each batch of requests. */
export type ThreadMessage = { readonly isLowered: boolean } | readonly ThreadAnswer[]

/** Ten steps of nice leave a tenth of a core to a thread, where another wants it too (sched(7)). */
const NICE = 10
const LOWEST = 19

if (parentPort === null) throw new Error('signing-thread.ts runs as a worker thread')
const port = parentPort

port.postMessage({ isLowered: lower() } satisfies ThreadMessage)
port.on('message', (batch: readonly ThreadRequest[]) => {
  port.postMessage(batch.map(({ id, ...request }) => ({ id, signature: signed(request) })) satisfies ThreadMessage)
})

function signed({ digest, octets, key }: SignRequest): Uint8Array | undefined {
  try {
    return sign(digest, octets, key)
  } catch {
    return undefined
  }
}

/** On Linux each thread has a nice value of its own, which goes by its id (setpriority(2), "C library/kernel differences"). */
function lower(): boolean {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    const wanted = Math.min(getPriority(thread) + NICE, LOWEST)
    setPriority(thread, wanted)
    return getPriority(thread) === wanted
  } catch {
    return false
  }
}
