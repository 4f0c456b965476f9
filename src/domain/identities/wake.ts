/** How a change of an identity reaches the schedule of checks of this process. */
import type { Store } from '../../store/store.ts'
import type { Services } from '../context.ts'

const sleepers = new WeakMap<Store, () => void>()

/** `wake` is called when a check may have become due earlier than was known. */
export function onWake({ store }: Services, wake: () => void): void {
  sleepers.set(store, wake)
}

export function wakeChecks({ store }: Services): void {
  sleepers.get(store)?.()
}
