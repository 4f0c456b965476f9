/** What an attempt says of how much mail a site wants, and what is said to those who need not ask a site that is down. */
import { classify } from '../../message/bounces/classify.ts'
import { type Failure, type NetworkOutcome, NOBODY_CALLED, type Step } from '../../message/outcome.ts'
import type { Went } from '../../store/sites.ts'
import { stageOf } from './judge.ts'

/** Sites whose last failure is remembered; each takes some 500 octets. */
const MOST_REMEMBERED = 10_000

/** undefined: the site was not asked. */
export function wentOf({ recipients }: NetworkOutcome): Went | undefined {
  const failures = recipients.flatMap((each) => (each.kind === 'delivered' ? [] : [each.failure]))
  const said = failures.map(saidOf)
  if (failures.length < recipients.length) return said.includes('slower') ? 'slower' : 'well'
  return (['refused', 'slower', 'well'] as const).find((each) => said.includes(each))
}

function saidOf({ reason, step, reply }: Failure): Went | undefined {
  if (reason === 'reply') {
    if (reply.code === 421 || step === 'greeting') return 'refused'
    return classify(reply, stageOf(step)).slowsDown ? 'slower' : 'well'
  }
  if (reason === 'connect' || reason === 'timeout' || reason === 'dropped' || reason === 'protocol') {
    return OPENING.has(step) ? 'refused' : 'slower'
  }
  return undefined
}

/** Before the first word about a message. */
const OPENING: ReadonlySet<Step> = new Set(['connect', 'greeting', 'ehlo', 'starttls', 'auth'])

/**
 * Why sites turned us away last. Who has mail for one that is down is told that, as if he had asked: otherwise
 * thousands would wait for a time limit each, and long past the end of their lives.
 */
export class Refusals {
  readonly #last = new Map<string, Failure>()

  /** `asked`: the site as it was called before the attempt; afterwards it may be known by its hosts. */
  note(asked: string, { site, recipients }: NetworkOutcome, went: Went | undefined): void {
    for (const name of new Set([asked, site])) {
      this.#last.delete(name)
      const failure = recipients.flatMap((each) => (each.kind === 'delivered' ? [] : [each.failure]))[0]
      if (went === 'refused' && failure !== undefined) this.#last.set(name, failure)
    }
    while (this.#last.size > MOST_REMEMBERED) {
      const [oldest = ''] = this.#last.keys()
      this.#last.delete(oldest)
    }
  }

  /** The outcome of an attempt that need not be made. */
  instead(site: string, attempt: Untried): NetworkOutcome {
    const said = `not tried: ${site} is down, and the next attempt of another message will tell when it is back`
    return notMade(site, attempt, { ...(this.#last.get(site) ?? FORGOTTEN), isPermanent: false }, said)
  }
}

/** The outcome of an attempt for which the addresses that are being warmed up had no room, to the end of the mail's life. */
export function noRoom(site: string, attempt: Untried): NetworkOutcome {
  const said = `not tried: no address of the pool may send more to ${site} today, while it is being warmed up`
  return notMade(site, attempt, NO_ROOM, said)
}

function notMade(site: string, attempt: Untried, failure: Failure, said: string): NetworkOutcome {
  return {
    ...attempt,
    recipients: attempt.recipients.map(({ position }) => ({ position, kind: 'deferred', failure })),
    transcript: [said],
    site,
    ...NOBODY_CALLED,
  }
}

const NO_ROOM: Failure = {
  isPermanent: false,
  step: 'connect',
  reason: 'unsuitable',
  whose: 'ours',
  reply: { code: 421, enhanced: '4.3.2', text: 'Daily limit of the sending addresses reached' },
  remote: null,
  mayHaveArrived: false,
}

/** So many sites are down that what this one said was forgotten. */
const FORGOTTEN: Failure = {
  isPermanent: false,
  step: 'connect',
  reason: 'connect',
  whose: 'destination',
  reply: { code: 421, enhanced: '4.4.1', text: 'Failed to establish connection' },
  remote: null,
  mayHaveArrived: false,
}

type Untried = Pick<NetworkOutcome, 'transport' | 'reportingMta' | 'startedAt'> & {
  readonly recipients: readonly { readonly position: number }[]
}
