/** Accepting many messages in one statement. */
import { acceptance } from '../acceptance.ts'
import type { Accepted } from '../accepted.ts'
import { KEPT_MS, minuteOf } from '../counters.ts'
import { query } from '../db.ts'
import { integer, row } from '../rows.ts'
import { rowsets } from './rowsets.ts'
import type { Together } from './statement.ts'

/** `n`: the position of the message in the batch, from 1, by which what hangs on it finds it. */
const ROWS = rowsets({
  message: {
    account: 'text',
    region: 'text',
    id: 'text',
    acceptedAt: 'bigint',
    recipientsSearch: 'text',
    senderSearch: 'text',
    subjectSearch: 'text',
    document: 'text',
    day: 'bigint',
    stored: 'bigint',
    encoding: 'text',
    data: 'bytea',
  },
  recipient: {
    n: 'bigint',
    position: 'bigint',
    address: 'text',
    mailbox: 'text',
    field: 'text',
    status: 'text',
    reply: 'text',
  },
  job: { n: 'bigint', destination: 'text', recipients: 'text', dueAt: 'bigint', owner: 'bigint' },
  event: { n: 'bigint', type: 'text', at: 'bigint', json: 'text' },
  attempt: {
    n: 'bigint',
    destination: 'text',
    at: 'bigint',
    durationMs: 'bigint',
    transport: 'text',
    transcript: 'text',
  },
  minute: {
    account: 'text',
    region: 'text',
    at: 'bigint',
    recipients: 'bigint',
    bounces: 'bigint',
    complaints: 'bigint',
    rejects: 'bigint',
  },
})

const ACCEPT = query(
  `with accepted as materialized (
     select nextval('message_numbers') as seq, o as n, message.* from ${ROWS.from('message')}
   ), numbered as materialized (
     select nextval('job_numbers') as job_id, job.* from ${ROWS.from('job')}
   ), messages_in as (
     insert into messages (seq, account, region, id, day, accepted_at, stored, pieces, recipients_search, sender_search,
       subject_search, document)
     select seq, account, region, id, day, accepted_at, stored, 0, recipients_search, sender_search, subject_search,
       document
     from accepted
   ), bodies_in as (
     insert into bodies (seq, account, region, day, encoding, data)
     select seq, account, region, day, encoding, data from accepted
   ), held_in as (
     insert into held_changes (account, region, day, messages, bytes)
     select account, region, day, count(*), sum(stored) from accepted group by account, region, day
   ), recipients_in as (
     insert into recipients
       (account, region, message_id, day, position, address, mailbox, field, status, reply, updated_at)
     select account, region, id, day, position, address, mailbox, field, status, reply, accepted_at
     from ${ROWS.from('recipient')} join accepted using (n)
   ), jobs_in as (
     insert into jobs (id, account, region, message_id, destination, recipients, attempts, due_at, waiting, owner)
     select job_id, account, region, id, destination, recipients, 0, due_at, 0, owner
     from numbered join accepted using (n)
   ), events_in as (
     insert into events (account, region, message_id, day, type, at, json)
     select account, region, id, day, type, at, json from ${ROWS.from('event')} join accepted using (n) order by event.o
   ), attempts_in as (
     insert into attempts (account, region, message_id, day, destination, at, duration_ms, transport, transcript)
     select account, region, id, day, destination, at, duration_ms, transport, transcript
     from ${ROWS.from('attempt')} join accepted using (n) order by attempt.o
   ), counted as (
     insert into sent_minutes as minutes (account, region, at, recipients, bounces, complaints, rejects)
     select account, region, at, recipients, bounces, complaints, rejects from ${ROWS.from('minute')}
     order by account, region, at
     on conflict (account, region, at) do update set
       recipients = minutes.recipients + excluded.recipients, bounces = minutes.bounces + excluded.bounces,
       complaints = minutes.complaints + excluded.complaints, rejects = minutes.rejects + excluded.rejects
     returning account, region, at, xmax = 0 as is_first
   ), forgotten as (
     delete from sent_minutes using counted
     where is_first and sent_minutes.account = counted.account and sent_minutes.region = counted.region
       and sent_minutes.at < counted.at - ${KEPT_MS}
   )
   select job_id as "id" from numbered order by o`,
  row({ id: integer }),
)

const NOTHING = new Uint8Array(0)

/** Gives the ids of the jobs of each message, in their order. */
export const acceptTogether: Together<Accepted, readonly number[]> = {
  name: acceptance.name,
  key: ({ messageId }) => messageId,
  async run(tx, accepted, data) {
    const numbered = accepted.map((message, index) => ({ ...message, n: index + 1 }))
    const values = ROWS.values({
      message: accepted.map(({ scope, messageId, body, ...message }, index) => ({
        ...scope,
        id: messageId,
        ...body,
        data: data[index] ?? NOTHING,
        ...message,
      })),
      recipient: numbered.flatMap(({ n, recipients }) => recipients.map((recipient) => ({ n, ...recipient }))),
      job: numbered.flatMap(({ n, jobs, owner }) => jobs.map((job) => ({ n, ...job, owner }))),
      event: numbered.flatMap(({ n, events }) => events.map((event) => ({ n, ...event }))),
      attempt: numbered.flatMap(({ n, attempts }) =>
        attempts.map((attempt) => ({ n, ...attempt, transcript: JSON.stringify(attempt.transcript) })),
      ),
      minute: minutesOf(accepted),
    })
    const ids = (await tx.all(ACCEPT, values)).values()
    return accepted.map(({ jobs }) =>
      ids
        .take(jobs.length)
        .map(({ id }) => id)
        .toArray(),
    )
  },
}

type Minute = Accepted['scope'] & {
  readonly at: number
  recipients: number
  bounces: number
  complaints: number
  rejects: number
}

/** One row for each scope and minute: a statement can change a row only once. */
function minutesOf(accepted: readonly Accepted[]): readonly Minute[] {
  const minutes = new Map<string, Minute>()
  for (const { scope, acceptedAt, counted, counts } of accepted) {
    if (counted + counts.bounces + counts.complaints + counts.rejects === 0) continue
    const at = minuteOf(acceptedAt)
    const key = JSON.stringify([scope.account, scope.region, at])
    const minute = minutes.get(key) ?? { ...scope, at, recipients: 0, bounces: 0, complaints: 0, rejects: 0 }
    minute.recipients += counted
    minute.bounces += counts.bounces
    minute.complaints += counts.complaints
    minute.rejects += counts.rejects
    minutes.set(key, minute)
  }
  return [...minutes.values()]
}
