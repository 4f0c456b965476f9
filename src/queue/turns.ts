/** Whose turn it is: accounts one after another, and of an account its queues one after another. */
import type { Job } from '../store/types.ts'
import { Fifo } from './fifo.ts'
import type { Lane } from './lane.ts'

/** The jobs of one account for one site. */
export type Queue = {
  readonly account: string
  readonly isUrgent: boolean
  readonly lane: Lane
  readonly jobs: Fifo<Job>
  /** Where it stands, in one place at most: it waits for its turn, or for its lane to open. */
  place: 'turn' | 'lane' | undefined
}

type Account = { readonly id: string; readonly queues: Fifo<Queue> }

export class Turns {
  readonly #accounts = new Fifo<Account>()
  /** Those that stand in line. */
  readonly #byId = new Map<string, Account>()

  push(queue: Queue): void {
    queue.place = 'turn'
    const known = this.#byId.get(queue.account)
    const account = known ?? { id: queue.account, queues: new Fifo<Queue>() }
    account.queues.push(queue)
    if (known !== undefined) return
    this.#byId.set(account.id, account)
    this.#accounts.push(account)
  }

  /** The next one, which stands nowhere then. */
  shift(): Queue | undefined {
    const account = this.#accounts.shift()
    const queue = account?.queues.shift()
    if (account === undefined || queue === undefined) return undefined
    if (account.queues.size > 0) this.#accounts.push(account)
    else this.#byId.delete(account.id)
    queue.place = undefined
    return queue
  }
}
