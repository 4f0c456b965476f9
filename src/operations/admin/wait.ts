/** Admin API: waiting for a message. The answer leaves when the message is accepted; nothing polls. */
import type { Services } from '../../domain/context.ts'
import { detail, findMessage } from '../../domain/reading.ts'
import { fail } from '../../errors/fail.ts'
import { filterOf } from './messages.ts'
import { countIn, wordIn } from './request.ts'
import { errorReply, type Route } from './route.ts'

type Cancel = () => void
type Filter = ReturnType<typeof filterOf>
type Stored = Awaited<ReturnType<typeof findMessage>>

/** Tells of each message once it is committed. */
export type Arrivals = { onAccepted(listener: () => void): Cancel }

const TIMEOUT_MS = { least: 0, most: 300_000, ordinary: 10_000 }
const MOST_WAITING = 200
const PAGE = 100

/**
 * `GET /_sesame/messages/wait?to&from&subject&account&region&timeoutMs&newerThan`: the newest matching message, one that
 * is there already or the first to come; with `newerThan=MESSAGEID` the first one accepted after that. 408 when none came.
 */
export function waitRoute(services: Services, arrivals: Arrivals): Route {
  let waiting = 0
  return {
    method: 'GET',
    path: '/_sesame/messages/wait',
    access: 'admin',
    async handle({ query, signal }) {
      const timeoutMs = countIn(query, 'timeoutMs', TIMEOUT_MS)
      const newerThan = wordIn(query, 'newerThan')
      const floor = newerThan === undefined ? undefined : (await findMessage(services, newerThan)).seq
      const filter = filterOf(query)
      const look = () => (floor === undefined ? newest(services, filter) : firstAfter(services, filter, floor))
      if (waiting >= MOST_WAITING) fail('ServiceUnavailable', `${MOST_WAITING} calls are waiting for mail already.`)
      waiting++
      try {
        const found = await firstSight(look, arrivals, (done) => services.wallClock.after(timeoutMs, done), signal)
        if (found) return { status: 200, body: await detail(services, found) }
        return errorReply(408, 'RequestTimeout', `No matching message was accepted within ${timeoutMs} ms.`)
      } finally {
        waiting--
      }
    },
  }
}

async function newest(services: Services, filter: Filter): Promise<Stored | undefined> {
  const [found] = await services.store.messages.list(filter, { limit: 1 })
  return found
}

/** The listing goes from new to old, so we walk down to the one that stands right above the floor. */
async function firstAfter(services: Services, filter: Filter, floor: number): Promise<Stored | undefined> {
  let best: Stored | undefined
  for (;;) {
    const page = await services.store.messages.list(filter, { limit: PAGE, before: best?.seq })
    const above = page.filter(({ seq }) => seq > floor)
    best = above.at(-1) ?? best
    if (page.length === 0 || above.length < page.length) return best
  }
}

/**
 * Looks once, and again after each arrival (arrivals during a look share the next one), until something is found, the
 * time is up or the caller has gone; undefined then.
 */
function firstSight<T>(
  look: () => Promise<T | undefined>,
  arrivals: Arrivals,
  startTimer: (done: () => void) => Cancel,
  signal: AbortSignal,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let isLooking = false
    let isStale = false
    let isOver = false
    let callOff: Cancel | undefined
    const end = () => {
      isOver = true
      isStale = false
      unsubscribe()
      callOff?.()
      signal.removeEventListener('abort', giveUp)
    }
    const giveUp = () => {
      end()
      resolve(undefined)
    }
    const search = async () => {
      while (isStale) {
        isStale = false
        const found = await look()
        if (found === undefined) continue
        end()
        resolve(found)
      }
    }
    const lookAgain = async () => {
      isStale = true
      if (isLooking) return
      isLooking = true
      try {
        await search()
      } catch (error) {
        end()
        reject(error)
      }
      isLooking = false
      if (!isOver) callOff ??= startTimer(giveUp)
    }
    // We listen before we look: what comes in between is not missed.
    const unsubscribe = arrivals.onAccepted(() => void lookAgain())
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    else void lookAgain()
  })
}
