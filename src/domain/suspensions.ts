/** What operators hold back, kept in memory for the queue: it asks for each job. */
import type { Cancel } from '../platform/platform.ts'
import type { Job, SuspensionKind } from '../store/types.ts'
import type { Services } from './context.ts'

/** When the store could not be read. */
const AGAIN_MS = 5_000

export type Suspensions = {
  readonly holds: (job: Job) => boolean
  /** Reads them, and keeps up with what changes on any node; settles when they are known. */
  readonly start: () => Promise<void>
  readonly stop: () => void
}

/** `onChange` is called when others are held back than before. */
export function createSuspensions({ store, wallClock, log }: Services, onChange: () => void): Suspensions {
  const held: Record<SuspensionKind, Set<string>> = {
    all: new Set(),
    account: new Set(),
    destination: new Set(),
    message: new Set(),
  }
  let stopListening: (() => void) | undefined
  let retry: Cancel | undefined
  let reading: Promise<void> | undefined
  const state = { isStopped: false, isStale: false }

  async function read(): Promise<void> {
    const list = await store.suspensions.list()
    for (const kind of ['all', 'account', 'destination', 'message'] as const) {
      held[kind] = new Set(list.filter((each) => each.kind === kind).map(({ value }) => value))
    }
    onChange()
  }

  /** One read at a time, and another one after it for what changed meanwhile. */
  function readAgain(): void {
    state.isStale = true
    reading ??= (async () => {
      while (state.isStale && !state.isStopped) {
        state.isStale = false
        try {
          await read()
        } catch (error) {
          log.error('suspensions could not be read', { error })
          retry?.()
          retry = wallClock.after(AGAIN_MS, readAgain)
        }
      }
      reading = undefined
    })()
  }

  return {
    holds: ({ scope, destination, messageId }) =>
      held.all.size > 0 ||
      held.destination.has(destination) ||
      held.account.has(scope.account) ||
      held.message.has(messageId),
    async start() {
      stopListening = store.onChange((changes) => {
        if (changes.some(({ kind }) => kind === 'suspensions' || kind === 'all')) readAgain()
      })
      await read()
    },
    stop() {
      state.isStopped = true
      stopListening?.()
      retry?.()
    },
  }
}
