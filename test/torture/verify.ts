/** What has to be in the store: every message that a client saw accepted, once, whole, and done with. */
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import type { StoredMessage } from '../../src/store/types.ts'
import { keptLog } from '../support/stores.ts'
import { endOf } from './mail.ts'
import type { Accepted } from './mail.ts'

const PAGE = 500
/** Beyond them the report is not read anyway. */
const MOST_FAULTS = 50

export type Findings = {
  readonly stored: number
  /** Stored, but no client was told so: an answer that the blow cut off. */
  readonly unanswered: number
  readonly faults: readonly string[]
}

/**
 * Looks into the store, which no server uses now, and whose queue was empty before. `countedBefore`: recipients that
 * the counters knew of mail removed since. Gives the new number in `counted`.
 */
export async function verify(
  database: string,
  accepted: readonly Accepted[],
  countedBefore: number,
): Promise<Findings & { readonly counted: number }> {
  const store = await openStore({ database, log: keptLog() })
  try {
    const faults: string[] = []
    const found = await byMark(store, faults)
    for (const { mail, messageId, round } of accepted) {
      const stored = found.get(mail.mark)
      const told = `${messageId}, accepted over ${mail.surface} in round ${round},`
      if (stored === undefined) faults.push(`${told} is lost`)
      else if (stored.message.id !== messageId) faults.push(`${told} is there as ${stored.message.id}`)
      else if (!sameSet(stored.message.destination, mail.to)) faults.push(`${told} has other recipients`)
    }
    for (const stored of found.values()) faults.push(...(await faultsOf(store, stored)))
    const left = await store.messages.unfinishedJobs(0, PAGE)
    if (left.length > 0) faults.push(`${left.length} jobs or more are left in an empty queue`)
    const counted = await countedIn(store)
    const recipients = [...found.values()].reduce((sum, { message }) => sum + message.counted, 0)
    if (counted !== countedBefore + recipients) {
      faults.push(`the counters know of ${counted - countedBefore} recipients, and there are ${recipients}`)
    }
    return {
      stored: found.size,
      unanswered: found.size - accepted.length,
      counted,
      faults: faults.slice(0, MOST_FAULTS),
    }
  } finally {
    await store.close()
  }
}

async function byMark(store: Store, faults: string[]): Promise<ReadonlyMap<string, StoredMessage>> {
  const found = new Map<string, StoredMessage>()
  let before: number | undefined
  for (;;) {
    const page = await store.messages.list({}, { before, limit: PAGE })
    for (const stored of page) {
      const mark = stored.message.commonHeaders.subject ?? ''
      if (found.has(mark))
        faults.push(`${mark} is there twice, as ${stored.message.id} and ${found.get(mark)!.message.id}`)
      found.set(mark, stored)
    }
    before = page.at(-1)?.seq
    if (before === undefined) return found
  }
}

async function faultsOf(store: Store, { scope, message }: StoredMessage): Promise<readonly string[]> {
  const [raw, recipients, events, attempts] = await Promise.all([
    store.messages.raw(scope, message.id),
    store.messages.recipients(scope, message.id),
    store.messages.events(scope, message.id),
    store.messages.attempts(scope, message.id),
  ])
  const mark = message.commonHeaders.subject ?? ''
  const count = (type: string) => events.filter((event) => event.type === type).length
  const domains = new Set(recipients.map(({ mailbox }) => mailbox.split('@')[1])).size
  const isWhole = raw !== undefined && Buffer.from(raw).includes(endOf(mark))
  const addresses = recipients.map(({ address }) => address)
  const checks: readonly (readonly [isGood: boolean, fault: string])[] = [
    [isWhole, 'has no body, or not all of it'],
    [sameSet(addresses, message.destination), `has the recipients ${addresses.join()}`],
    [recipients.every(({ status }) => status === 'delivered'), 'has recipients without an outcome'],
    [count('Send') === 1, `has ${count('Send')} Send events`],
    [count('Delivery') === domains, `has ${count('Delivery')} Delivery events for ${domains} domains`],
    [attempts.length === domains, `has ${attempts.length} attempts for ${domains} domains`],
  ]
  return checks.flatMap(([isGood, fault]) => (isGood ? [] : [`${message.id} ${fault}`]))
}

/** Recipients in the counters of all regions that are sent from. */
async function countedIn(store: Store): Promise<number> {
  const minutes = await store.messages.sentPerMinute({ account: '000000000000', region: 'us-east-1' }, 0)
  return minutes.reduce((sum, { recipients }) => sum + recipients, 0)
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && new Set(one).symmetricDifference(new Set(other)).size === 0
}
