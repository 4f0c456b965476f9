/** Settling many jobs and outcomes in one statement. */
import { minuteOf } from '../counters.ts'
import { query } from '../db.ts'
import { dayOf } from '../message-day.ts'
import { settle } from '../outcomes.ts'
import { integer, row } from '../rows.ts'
import type { Settlement } from '../types.ts'
import { rowsets } from './rowsets.ts'
import type { Together } from './statement.ts'

/** `n`: the position of the settlement in the batch, from 1. All are of one day, which is bound behind the rowsets. */
const ROWS = rowsets({
  settlement: {
    account: 'text',
    region: 'text',
    messageId: 'text',
    jobId: 'bigint',
    owner: 'bigint',
    at: 'bigint',
    minute: 'bigint',
    restRecipients: 'text',
    restAttempts: 'bigint',
    restDueAt: 'bigint',
    n: 'bigint',
  },
  change: { n: 'bigint', position: 'bigint', status: 'text', reply: 'text' },
  event: { n: 'bigint', type: 'text', at: 'bigint', json: 'text' },
  attempt: {
    n: 'bigint',
    destination: 'text',
    at: 'bigint',
    durationMs: 'bigint',
    transport: 'text',
    transcript: 'text',
  },
  heard: { n: 'bigint', bounces: 'bigint', complaints: 'bigint', rejects: 'bigint' },
  suppressed: {
    n: 'bigint',
    address: 'text',
    reason: 'text',
    updatedAt: 'bigint',
    messageId: 'text',
    feedbackId: 'text',
  },
})

/** All of one day, so that the planner sees that one partition of each table is enough. */
const DAY = `$${ROWS.next}::integer`

/**
 * `live`: those whose job was there and the owner's (it ends, or goes on with the rest), and whose message is there and stays so until the end of
 * the transaction.
 */
const SETTLE = query(
  `with given as materialized (
     select * from ${ROWS.from('settlement')}
   ), ended as (
     delete from jobs using given
     where jobs.account = given.account and jobs.region = given.region and jobs.message_id = given.message_id
       and jobs.id = given.job_id and jobs.owner is not distinct from given.owner and given.rest_due_at is null
     returning n
   ), going_on as (
     update jobs set recipients = given.rest_recipients, attempts = given.rest_attempts, due_at = given.rest_due_at,
       waiting = 1, owner = null
     from given
     where jobs.account = given.account and jobs.region = given.region and jobs.message_id = given.message_id
       and jobs.id = given.job_id and jobs.owner is not distinct from given.owner and given.rest_due_at is not null
     returning n
   ), live as materialized (
     select given.* from given join messages
       on messages.account = given.account and messages.region = given.region and messages.id = given.message_id
         and messages.day = ${DAY}
     where job_id is null or n in (select n from ended union all select n from going_on)
     for key share of messages
   ), recipients_in as (
     update recipients set status = change.status, reply = change.reply, updated_at = live.at
     from ${ROWS.from('change')} join live using (n)
     where recipients.account = live.account and recipients.region = live.region
       and recipients.message_id = live.message_id and recipients.position = change.position
       and recipients.day = ${DAY}
   ), events_in as (
     insert into events (account, region, message_id, day, type, at, json)
     select account, region, message_id, ${DAY}, type, event.at, json from ${ROWS.from('event')} join live using (n)
     order by event.o
   ), attempts_in as (
     insert into attempts (account, region, message_id, day, destination, at, duration_ms, transport, transcript)
     select account, region, message_id, ${DAY}, destination, attempt.at, duration_ms, transport, transcript
     from ${ROWS.from('attempt')} join live using (n)
   ), counted as (
     insert into sent_minutes as minutes (account, region, at, recipients, bounces, complaints, rejects)
     select account, region, minute, 0, sum(bounces), sum(complaints), sum(rejects)
     from ${ROWS.from('heard')} join live using (n)
     group by account, region, minute order by account, region, minute
     on conflict (account, region, at) do update set bounces = minutes.bounces + excluded.bounces,
       complaints = minutes.complaints + excluded.complaints, rejects = minutes.rejects + excluded.rejects
   ), suppressed_in as (
     insert into suppressions (account, region, address, reason, updated_at, message_id, feedback_id)
     select distinct on (account, region, address) account, region, address, reason, suppressed.updated_at,
       suppressed.message_id, feedback_id
     from ${ROWS.from('suppressed')} join live using (n)
     order by account, region, address, suppressed.o desc
     on conflict (account, region, address) do update set reason = excluded.reason, updated_at = excluded.updated_at,
       message_id = excluded.message_id, feedback_id = excluded.feedback_id
   )
   select count(*) as "settled" from live`,
  row({ settled: integer }),
)

export const settleTogether: Together<Settlement, void> = {
  name: settle.name,
  // Of one message one at a time: its jobs may tell of the same recipient, and a job may come twice.
  key: ({ messageId }) => messageId,
  group: ({ messageId }) => dayOf(messageId),
  async run(tx, settlements) {
    const numbered = settlements.map((settlement, index) => ({ ...settlement, n: index + 1 }))
    const values = ROWS.values({
      settlement: numbered.map(({ scope, owner = null, rest, ...settlement }) => ({
        ...scope,
        ...settlement,
        owner,
        restRecipients: rest === undefined ? null : JSON.stringify(rest.recipients),
        restAttempts: rest?.attempts ?? null,
        restDueAt: rest?.dueAt ?? null,
        minute: minuteOf(settlement.at),
      })),
      change: numbered.flatMap(({ n, updates }) => lastOfEach(updates).map((update) => ({ n, ...update }))),
      event: numbered.flatMap(({ n, events }) => events.map((event) => ({ n, ...event }))),
      attempt: numbered.flatMap(({ n, attempt }) =>
        attempt === null ? [] : [{ n, ...attempt, transcript: JSON.stringify(attempt.transcript) }],
      ),
      heard: numbered.flatMap(({ n, counts }) =>
        counts.bounces + counts.complaints + counts.rejects > 0 ? [{ n, ...counts }] : [],
      ),
      suppressed: numbered.flatMap(({ n, suppress = [] }) => suppress.map((added) => ({ n, ...added }))),
    })
    await tx.all(SETTLE, [...values, dayOf(settlements[0]?.messageId ?? '')])
    return settlements.map(() => undefined)
  },
}

/** Of several that tell of one recipient the last has the word, as when they are written one after another. */
function lastOfEach(updates: Settlement['updates']): Settlement['updates'] {
  return [...new Map(updates.map((update) => [update.position, update])).values()]
}
