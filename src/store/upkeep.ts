/** What the store is kept in order with; domain/upkeep.ts says when. */
import { sweepBodies } from './body-sweep.ts'
import type { Db } from './db.ts'
import { foldHeld, heldInAll } from './held.ts'
import { removeOldest } from './removal.ts'
import type { DayStore, UpkeepStore } from './store.ts'

export function upkeepStore(db: Db, days: DayStore | undefined): UpkeepStore {
  return {
    held: () => heldInAll(db),
    async foldHeld() {
      while (await db.write(foldHeld, null));
    },
    removeOldest: (step) => removeOldest(db, step),
    sweepBodies: (before, limit) => sweepBodies(db, before, limit),
    days,
  }
}
