/** Admin API: the controls of a stand-in. SES's time, faults, outcomes after the fact, and emptying everything. */
import type { Services } from '../../domain/context.ts'
import { parseFaultRules } from '../../domain/fault-rules.ts'
import type { Faults } from '../../domain/faults.ts'
import { recordOutcome } from '../../domain/reported-outcomes.ts'
import { fail } from '../../errors/fail.ts'
import { outcomeOf } from './outcomes.ts'
import { bodyOf, jsonOf, numberOf, paramOf, wordIn } from './request.ts'
import type { Route, RouteReply } from './route.ts'

/** A hundred years: past it, dates get strange before anything is learnt. */
const LONGEST_JUMP_SECONDS = 3_155_760_000

/** `reset` empties everything: store, counts, faults, and the clock's offset. */
export function controlRoutes(services: Services, faults: Faults, reset: () => Promise<void>): readonly Route[] {
  return [...clockRoutes(services), ...faultRoutes(faults), outcomeRoute(services), resetRoute(reset)]
}

function clockRoutes({ clock }: Services): readonly Route[] {
  const state = (): RouteReply => ({
    status: 200,
    body: { now: new Date(clock.now()).toISOString(), offsetSeconds: clock.offsetMs / 1000 },
  })
  return [
    { method: 'GET', path: '/_sesame/clock', access: 'controls', handle: async () => state() },
    {
      method: 'POST',
      path: '/_sesame/clock',
      access: 'controls',
      async handle(request) {
        const seconds = numberOf(bodyOf(request, ['advanceSeconds']), 'advanceSeconds')
        if (seconds === undefined) return fail('Validation', 'advanceSeconds is missing.')
        if (seconds < 0 || seconds * 1000 + clock.offsetMs > LONGEST_JUMP_SECONDS * 1000) {
          return fail('Validation', `advanceSeconds is not a number from 0 to ${LONGEST_JUMP_SECONDS} in all.`)
        }
        clock.advance(Math.round(seconds * 1000))
        return state()
      },
    },
  ]
}

function faultRoutes(faults: Faults): readonly Route[] {
  const state = (): RouteReply => ({ status: 200, body: { rules: faults.list() } })
  return [
    { method: 'GET', path: '/_sesame/faults', access: 'controls', handle: async () => state() },
    {
      method: 'PUT',
      path: '/_sesame/faults',
      access: 'controls',
      async handle({ body }) {
        faults.replace(parseFaultRules(jsonOf(body)))
        return state()
      },
    },
    {
      method: 'DELETE',
      path: '/_sesame/faults',
      access: 'controls',
      async handle({ query }) {
        const id = wordIn(query, 'id')
        if (id === undefined) faults.clear()
        else if (!faults.remove(id)) fail('NotFound', `There is no fault rule ${id.slice(0, 200)}.`)
        return { status: 204 }
      },
    },
  ]
}

function outcomeRoute(services: Services): Route {
  return {
    method: 'POST',
    path: '/_sesame/messages/:messageId/outcomes',
    access: 'controls',
    async handle(request) {
      const { recipient, outcome } = outcomeOf(request)
      const json = await recordOutcome(services, paramOf(request, 'messageId'), recipient, outcome)
      return { status: 201, headers: { 'content-type': 'application/json' }, body: `{"event":${json}}` }
    },
  }
}

function resetRoute(reset: () => Promise<void>): Route {
  return {
    method: 'POST',
    path: '/_sesame/reset',
    access: 'controls',
    async handle() {
      await reset()
      return { status: 204 }
    },
  }
}
