/** Mail that waits for delivery, as an operator sees and handles it. */
import { fail } from '../errors/fail.ts'
import type { SiteView } from '../store/sites.ts'
import type { Job, Suspension } from '../store/types.ts'
import { dueTimeOf, isUrgent } from '../store/urgent.ts'
import type { Services } from './context.ts'

export type { Job, SiteView, Suspension }

/** The queue of this process, as far as operators have to do with it. */
export type QueueControl = {
  readonly sites: (most: number) => readonly SiteView[]
  readonly retry: (destination: string | undefined) => void
  /** Keeps a job from being begun until it is released; false: it runs already. */
  readonly hold: (jobId: number) => boolean
  readonly release: (job: Job, isGone: boolean) => void
  /** Under which this process has jobs; undefined: it has the store to itself. */
  readonly node: () => number | undefined
}

/** Keeps a job from being begun, as {@link QueueControl.hold}; false, too, where another node has it. */
export function holdOurs(queue: QueueControl, { id, owner }: Job): boolean {
  return (owner === null || owner === queue.node()) && queue.hold(id)
}

/** When a job is due, and whether it goes before others. */
export function turnOf(job: Job): { readonly dueAt: number; readonly isUrgent: boolean } {
  return { dueAt: dueTimeOf(job), isUrgent: isUrgent(job) }
}

/** Which mail is meant; what is given must all hold. Nothing given: all of it. */
export type Selection = {
  readonly account?: string | undefined
  readonly destination?: string | undefined
  readonly message?: string | undefined
}

export function isSelected({ account, destination, message }: Selection, job: Job): boolean {
  return (
    (account === undefined || job.scope.account === account) &&
    (destination === undefined || job.destination === destination) &&
    (message === undefined || job.messageId === message)
  )
}

/** Rows of one look into the store. */
const PAGE = 1_000
/** Jobs looked at in one call; who has more goes on behind the last one. */
const LOOKED_AT = 100_000

/** Where to go on; undefined: there is nothing behind. */
export type Walked = { readonly next: number | undefined }

/** Hands over the selected jobs behind `after`, page by page. */
export async function walk(
  { store }: Services,
  selection: Selection,
  after: number,
  visit: (jobs: readonly Job[]) => Promise<void>,
): Promise<Walked> {
  let last = after
  for (let looked = 0; looked < LOOKED_AT; looked += PAGE) {
    const page = await store.messages.unfinishedJobs(last, PAGE)
    const selected = page.filter((job) => isSelected(selection, job))
    if (selected.length > 0) await visit(selected)
    if (page.length < PAGE) return { next: undefined }
    last = page.at(-1)?.id ?? last
  }
  return { next: last }
}

/** Has the selected jobs tried as soon as their turn comes; gives their number. */
export async function retryNow(
  services: Services,
  queue: QueueControl,
  selection: Selection,
  after: number,
): Promise<Walked & { readonly jobs: number }> {
  let jobs = 0
  const now = services.clock.now()
  const { next } = await walk(services, selection, after, async (some) => {
    await services.store.jobs.hasten(some, now)
    jobs += some.length
  })
  queue.retry(selection.destination)
  return { jobs, next }
}

/** So many decisions are the work of a program that went wrong. */
const MOST_SUSPENSIONS = 10_000

/** Holds mail back, until it is resumed; false: it is held back already. */
export async function suspend({ store, clock }: Services, selection: Selection): Promise<boolean> {
  if ((await store.suspensions.list()).length >= MOST_SUSPENSIONS) {
    fail('LimitExceeded', `There are ${MOST_SUSPENSIONS} suspensions.`)
  }
  return await store.suspensions.put({ ...oneOf(selection), since: clock.now() })
}

/** Lets mail go on; false: it was not held back. What is due comes up on `retryNow`. */
export async function resume({ store }: Services, selection: Selection): Promise<boolean> {
  const { kind, value } = oneOf(selection)
  return await store.suspensions.remove(kind, value)
}

function oneOf(selection: Selection): Pick<Suspension, 'kind' | 'value'> {
  const given = (['account', 'destination', 'message'] as const).filter((kind) => selection[kind] !== undefined)
  const [kind, ...more] = given
  if (kind === undefined) return { kind: 'all', value: '' }
  if (more.length > 0) fail('InvalidParameterValue', 'Give one of account, destination and message.')
  return { kind, value: selection[kind] ?? '' }
}
