/** Admin API: mail that waits for delivery. Seeing it; holding, retrying and dropping come with a later version. */
import type { Services } from '../../domain/context.ts'
import { type Job, turnOf } from '../../domain/queued.ts'
import { fail } from '../../errors/fail.ts'
import { countIn, wordIn } from './request.ts'
import type { Route } from './route.ts'

const PAGE = { least: 1, most: 1000, ordinary: 100 }
const LATER = ['suspend', 'resume', 'retry', 'drop'] as const

/** `GET /_sesame/queue?destination&account&limit&after`: unfinished jobs, oldest first. */
export function queueRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/_sesame/queue',
      access: 'admin',
      async handle({ query }) {
        const limit = countIn(query, 'limit', PAGE)
        const after = countIn(query, 'after', { least: 0, most: Number.MAX_SAFE_INTEGER, ordinary: 0 })
        const { jobs, next } = await unfinished(services, query, after, limit)
        return { status: 200, body: { jobs: jobs.map(view), ...(next === undefined ? {} : { next: String(next) }) } }
      },
    },
    ...LATER.map((action): Route => ({
      method: 'POST',
      path: `/_sesame/queue/${action}`,
      access: 'admin',
      handle: async () => fail('NotImplemented', `Queue ${action} is not implemented in this version.`),
    })),
  ]
}

async function unfinished(services: Services, query: URLSearchParams, after: number, limit: number) {
  const destination = wordIn(query, 'destination')?.toLowerCase()
  const account = wordIn(query, 'account')
  const isWanted = (job: Job) =>
    (destination === undefined || job.destination === destination) &&
    (account === undefined || job.scope.account === account)
  const jobs: Job[] = []
  for (let last = after; ;) {
    const page = await services.store.messages.unfinishedJobs(last, PAGE.most)
    for (const job of page) {
      if (!isWanted(job)) continue
      if (jobs.length === limit) return { jobs, next: jobs.at(-1)?.id }
      jobs.push(job)
    }
    if (page.length < PAGE.most) return { jobs, next: undefined }
    last = page.at(-1)?.id ?? last
  }
}

function view(job: Job) {
  const { id, scope, messageId, destination, recipients, attempts } = job
  const { dueAt, isUrgent } = turnOf(job)
  return {
    jobId: id,
    messageId,
    account: scope.account,
    region: scope.region,
    destination,
    recipients: recipients.length,
    attempts,
    dueAt: new Date(dueAt).toISOString(),
    isUrgent,
  }
}
