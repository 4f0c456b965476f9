/** Admin API: mail that waits for delivery: to see it, to hold it back, to have it tried now, to move it, to drop it. */
import type { Services } from '../../domain/context.ts'
import { drop } from '../../domain/delivery/drop.ts'
import { move } from '../../domain/delivery/move.ts'
import { warmups } from '../../domain/delivery/warmup.ts'
import {
  isSelected,
  type Job,
  type QueueControl,
  resume,
  retryNow,
  type Selection,
  type SiteView,
  suspend,
  turnOf,
} from '../../domain/queued.ts'
import { fail } from '../../errors/fail.ts'
import { type Body, bodyOf, countIn, flagOf, numberOf, textOf, wordIn } from './request.ts'
import type { Route } from './route.ts'

const PAGE = { least: 1, most: 1000, ordinary: 100 }
const SITES = { least: 1, most: 1000, ordinary: 50 }
const MEMBERS = ['account', 'destination', 'message', 'all', 'after'] as const

export function queueRoutes(services: Services, queue: QueueControl): readonly Route[] {
  return [...viewRoutes(services, queue), ...actionRoutes(services, queue)]
}

function viewRoutes(services: Services, queue: QueueControl): readonly Route[] {
  return [
    {
      // `?destination&account&message&limit&after`: unfinished jobs, oldest first.
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
    {
      // What this process has in memory for each site, those with the most first.
      method: 'GET',
      path: '/_sesame/queue/sites',
      access: 'admin',
      handle: async ({ query }) => ({
        status: 200,
        body: { sites: queue.sites(countIn(query, 'limit', SITES)).map(viewSite) },
      }),
    },
    {
      // Addresses that are being warmed up, and how much of today's limits is taken.
      method: 'GET',
      path: '/_sesame/queue/warmup',
      access: 'admin',
      handle: async () => ({ status: 200, body: { addresses: await warmups(services) } }),
    },
    {
      method: 'GET',
      path: '/_sesame/queue/suspensions',
      access: 'admin',
      async handle() {
        const list = await services.store.suspensions.list()
        const suspensions = list.map(({ kind, value, since }) => ({
          ...(kind === 'all' ? { all: true } : { [kind]: value }),
          since: new Date(since).toISOString(),
        }))
        return { status: 200, body: { suspensions } }
      },
    },
  ]
}

/** Each with `{account | destination | message | all: true}`; the latter two go on behind `after` where there is more. */
function actionRoutes(services: Services, queue: QueueControl): readonly Route[] {
  return [
    route('suspend', async (request) => ({
      status: 200,
      body: { isNew: await suspend(services, selectionOf(bodyOf(request, MEMBERS))) },
    })),
    route('resume', async (request) => {
      const body = bodyOf(request, MEMBERS)
      const selection = selectionOf(body)
      const wasSuspended = afterOf(body) > 0 || (await resume(services, selection))
      const { jobs, next } = wasSuspended
        ? await retryNow(services, queue, selection, afterOf(body))
        : { jobs: 0, next: undefined }
      return { status: 200, body: { wasSuspended, jobs, ...nextOf(next) } }
    }),
    route('retry', async (request) => {
      const body = bodyOf(request, MEMBERS)
      const { jobs, next } = await retryNow(services, queue, selectionOf(body), afterOf(body))
      return { status: 200, body: { jobs, ...nextOf(next) } }
    }),
    route('move', async (request) => {
      const body = bodyOf(request, [...MEMBERS, 'pool'])
      const pool = textOf(body, 'pool') ?? fail('InvalidParameterValue', 'Give the pool to move to.')
      const { moved, underWay, next } = await move(services, queue, selectionOf(body), { pool, after: afterOf(body) })
      return { status: 200, body: { moved, underWay, ...nextOf(next) } }
    }),
    route('drop', async (request) => {
      const body = bodyOf(request, [...MEMBERS, 'silent'])
      const how = { after: afterOf(body), isSilent: flagOf(body, 'silent') ?? false }
      const { dropped, underWay, next } = await drop(services, queue, selectionOf(body), how)
      return { status: 200, body: { dropped, underWay, ...nextOf(next) } }
    }),
  ]
}

function route(action: string, handle: Route['handle']): Route {
  return { method: 'POST', path: `/_sesame/queue/${action}`, access: 'admin', handle }
}

/** Everything must be asked for by name: an empty body is a slip. */
function selectionOf(body: Body): Selection {
  const [account, message] = [textOf(body, 'account'), textOf(body, 'message')]
  const destination = textOf(body, 'destination')?.toLowerCase()
  const isAll = flagOf(body, 'all') ?? false
  const isSome = account !== undefined || destination !== undefined || message !== undefined
  if (isSome === isAll) fail('InvalidParameterValue', 'Give account, destination or message, or else "all": true.')
  return { account, destination, message }
}

function afterOf(body: Body): number {
  const after = numberOf(body, 'after') ?? 0
  return Number.isSafeInteger(after) && after >= 0 ? after : fail('InvalidParameterValue', 'after is not a job id.')
}

function nextOf(next: number | undefined): { readonly next?: number } {
  return next === undefined ? {} : { next }
}

async function unfinished(services: Services, query: URLSearchParams, after: number, limit: number) {
  const selection = {
    destination: wordIn(query, 'destination')?.toLowerCase(),
    account: wordIn(query, 'account'),
    message: wordIn(query, 'message'),
  }
  const jobs: Job[] = []
  for (let last = after; ;) {
    const page = await services.store.messages.unfinishedJobs(last, PAGE.most)
    for (const job of page) {
      if (!isSelected(selection, job)) continue
      if (jobs.length === limit) return { jobs, next: jobs.at(-1)?.id }
      jobs.push(job)
    }
    if (page.length < PAGE.most) return { jobs, next: undefined }
    last = page.at(-1)?.id ?? last
  }
}

function view(job: Job) {
  const { id, scope, messageId, destination, recipients, attempts, pool } = job
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
    ...(pool === undefined ? {} : { pool }),
  }
}

function viewSite({ pausedUntil, perMinute, ...site }: SiteView) {
  return {
    ...site,
    // The part of this node may be a fraction.
    perMinute: perMinute === null ? null : Math.round(perMinute * 10) / 10,
    pausedUntil: pausedUntil === null ? null : new Date(pausedUntil).toISOString(),
  }
}
