/**
 * The two writes that every message costs, many in one statement: what PostgreSQL needs different from SQLite. A
 * statement costs a round trip here, and seven of them for each of 64 messages would be most of the work.
 */
import { acceptance } from '../acceptance.ts'
import type { Accepted } from '../acceptance.ts'
import { KEPT_MS, minuteOf } from '../counters.ts'
import { query } from '../db.ts'
import type { Value } from '../db.ts'
import { dayOf } from '../message-day.ts'
import { settle } from '../outcomes.ts'
import { remove } from '../removal.ts'
import { integer, row } from '../rows.ts'
import type { Settlement } from '../types.ts'
import { bytesArray, integerArray, textArray } from './arrays.ts'
import { removeTogether } from './removal.ts'
import type { Together } from './statement.ts'

/** `n`: the position of the message in the batch, by which what hangs on it finds it. */
const ACCEPT = query(
  `with message as materialized (
     select nextval('message_numbers') as seq, given.*
     from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
         $29::bigint[], $30::bigint[], $31::text[], $9::bytea[])
       with ordinality
       as given (account, region, id, accepted_at, recipients_search, sender_search, subject_search, document,
         day, stored, encoding, data, n)
   ), job as materialized (
     select numbered.id, numbered.o, account, region, message.id as message_id, destination, recipients, due_at
     from (
       select nextval('job_numbers') as id, given.*
       from unnest($16::bigint[], $17::text[], $18::text[], $19::bigint[]) with ordinality
         as given (n, destination, recipients, due_at, o)
     ) as numbered join message using (n)
   ), messages_in as (
     insert into messages (seq, account, region, id, day, accepted_at, stored, pieces, recipients_search, sender_search,
       subject_search, document)
     select seq, account, region, id, day, accepted_at, stored, 0, recipients_search, sender_search, subject_search,
       document
     from message
   ), bodies_in as (
     insert into bodies (seq, account, region, day, encoding, data)
     select seq, account, region, day, encoding, data from message
   ), held_in as (
     insert into held_changes (account, region, day, messages, bytes)
     select account, region, day, count(*), sum(stored) from message group by account, region, day
   ), recipients_in as (
     insert into recipients (account, region, message_id, day, position, address, mailbox, field, status, updated_at)
     select account, region, id, day, position, address, mailbox, field, status, accepted_at
     from unnest($10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[])
       as given (n, position, address, mailbox, field, status) join message using (n)
   ), jobs_in as (
     insert into jobs (id, account, region, message_id, destination, recipients, attempts, due_at, waiting)
     select id, account, region, message_id, destination, recipients, 0, due_at, 0 from job
   ), events_in as (
     insert into events (account, region, message_id, day, type, at, json)
     select account, region, id, day, type, at, json
     from unnest($20::bigint[], $21::text[], $22::bigint[], $23::text[]) with ordinality
       as given (n, type, at, json, o) join message using (n)
     order by o
   ), counted as (
     insert into sent_minutes as minutes (account, region, at, recipients, bounces, complaints, rejects)
     select account, region, at, recipients, 0, 0, rejects
     from unnest($24::text[], $25::text[], $26::bigint[], $27::bigint[], $28::bigint[])
       as given (account, region, at, recipients, rejects)
     order by account, region, at
     on conflict (account, region, at) do update set
       recipients = minutes.recipients + excluded.recipients, rejects = minutes.rejects + excluded.rejects
     returning account, region, at, xmax = 0 as is_first
   ), forgotten as (
     delete from sent_minutes using counted
     where is_first and sent_minutes.account = counted.account and sent_minutes.region = counted.region
       and sent_minutes.at < counted.at - ${KEPT_MS}
   )
   select id from job order by o`,
  row({ id: integer }),
)

const accept: Together<Accepted, readonly number[]> = {
  key: ({ messageId }) => messageId,
  async run(tx, accepted) {
    const ids = await tx.all(ACCEPT, [
      textArray(accepted.map(({ scope }) => scope.account)),
      textArray(accepted.map(({ scope }) => scope.region)),
      textArray(accepted.map(({ messageId }) => messageId)),
      integerArray(accepted.map(({ acceptedAt }) => acceptedAt)),
      textArray(accepted.map(({ recipientsSearch }) => recipientsSearch)),
      textArray(accepted.map(({ senderSearch }) => senderSearch)),
      textArray(accepted.map(({ subjectSearch }) => subjectSearch)),
      textArray(accepted.map(({ document }) => document)),
      bytesArray(accepted.map(({ body }) => body.data)),
      ...recipientColumns(accepted),
      ...jobColumns(accepted),
      ...eventColumns(accepted),
      ...minuteColumns(accepted),
      integerArray(accepted.map(({ day }) => day)),
      integerArray(accepted.map(({ body }) => body.stored)),
      textArray(accepted.map(({ body }) => body.encoding)),
    ])
    let given = 0
    return accepted.map(({ jobs }) => {
      const start = given
      given += jobs.length
      return ids.slice(start, given).map(({ id }) => id)
    })
  },
}

function recipientColumns(accepted: readonly Accepted[]): readonly Value[] {
  const rows = accepted.flatMap(({ recipients, status }, index) =>
    recipients.map((recipient) => ({ ...recipient, status, n: index + 1 })),
  )
  return [
    integerArray(rows.map(({ n }) => n)),
    integerArray(rows.map(({ position }) => position)),
    textArray(rows.map(({ address }) => address)),
    textArray(rows.map(({ mailbox }) => mailbox)),
    textArray(rows.map(({ field }) => field)),
    textArray(rows.map(({ status }) => status)),
  ]
}

function jobColumns(accepted: readonly Accepted[]): readonly Value[] {
  const rows = accepted.flatMap(({ jobs }, index) => jobs.map((job) => ({ ...job, n: index + 1 })))
  return [
    integerArray(rows.map(({ n }) => n)),
    textArray(rows.map(({ destination }) => destination)),
    textArray(rows.map(({ recipients }) => recipients)),
    integerArray(rows.map(({ dueAt }) => dueAt)),
  ]
}

function eventColumns(batch: readonly Pick<Settlement, 'events'>[]): readonly Value[] {
  const rows = batch.flatMap(({ events }, index) => events.map((event) => ({ ...event, n: index + 1 })))
  return [
    integerArray(rows.map(({ n }) => n)),
    textArray(rows.map(({ type }) => type)),
    integerArray(rows.map(({ at }) => at)),
    textArray(rows.map(({ json }) => json)),
  ]
}

type Minute = { readonly scope: Accepted['scope']; readonly at: number; recipients: number; rejects: number }

/** One row for each scope and minute: a statement can change a row only once. */
function minuteColumns(accepted: readonly Accepted[]): readonly Value[] {
  const minutes = new Map<string, Minute>()
  for (const { scope, acceptedAt, counted, status } of accepted) {
    if (counted === 0) continue
    const at = minuteOf(acceptedAt)
    const key = JSON.stringify([scope.account, scope.region, at])
    const minute = minutes.get(key) ?? { scope, at, recipients: 0, rejects: 0 }
    minute.recipients += counted
    if (status === 'rejected') minute.rejects += counted
    minutes.set(key, minute)
  }
  const rows = [...minutes.values()]
  return [
    textArray(rows.map(({ scope }) => scope.account)),
    textArray(rows.map(({ scope }) => scope.region)),
    integerArray(rows.map(({ at }) => at)),
    integerArray(rows.map(({ recipients }) => recipients)),
    integerArray(rows.map(({ rejects }) => rejects)),
  ]
}

/**
 * All of one day, so that the planner sees that one partition of each table is enough. `live`: those whose job had not ended, and whose message is there and stays so until the end of the transaction.
 */
const SETTLE = query(
  `with given as materialized (
     select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) with ordinality
       as given (account, region, message_id, job_id, at, minute, n)
   ), ended as (
     delete from jobs using given
     where jobs.account = given.account and jobs.region = given.region and jobs.message_id = given.message_id
       and jobs.id = given.job_id
     returning n
   ), live as materialized (
     select given.* from given join messages
       on messages.account = given.account and messages.region = given.region and messages.id = given.message_id
         and messages.day = $25
     where job_id is null or n in (select n from ended)
     for key share of messages
   ), recipients_in as (
     update recipients set status = changed.status, reply = changed.reply, updated_at = live.at
     from unnest($7::bigint[], $8::bigint[], $9::text[], $10::text[]) as changed (n, position, status, reply)
       join live using (n)
     where recipients.account = live.account and recipients.region = live.region
       and recipients.message_id = live.message_id and recipients.position = changed.position
       and recipients.day = $25
   ), events_in as (
     insert into events (account, region, message_id, day, type, at, json)
     select account, region, message_id, $25, type, told.at, json
     from unnest($11::bigint[], $12::text[], $13::bigint[], $14::text[]) with ordinality
       as told (n, type, at, json, o) join live using (n)
     order by o
   ), attempts_in as (
     insert into attempts (account, region, message_id, day, destination, at, duration_ms, transport, transcript)
     select account, region, message_id, $25, destination, made.at, duration_ms, transport, transcript
     from unnest($15::bigint[], $16::text[], $17::bigint[], $18::bigint[], $19::text[], $20::text[])
       as made (n, destination, at, duration_ms, transport, transcript) join live using (n)
   ), counted as (
     insert into sent_minutes as minutes (account, region, at, recipients, bounces, complaints, rejects)
     select account, region, minute, 0, sum(bounces), sum(complaints), sum(rejects)
     from unnest($21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[])
       as heard (n, bounces, complaints, rejects) join live using (n)
     group by account, region, minute order by account, region, minute
     on conflict (account, region, at) do update set bounces = minutes.bounces + excluded.bounces,
       complaints = minutes.complaints + excluded.complaints, rejects = minutes.rejects + excluded.rejects
   )
   select count(*) as "settled" from live`,
  row({ settled: integer }),
)

const settleTogether: Together<Settlement, void> = {
  // Of one message one at a time: its jobs may tell of the same recipient, and a job may come twice.
  key: ({ messageId }) => messageId,
  group: ({ messageId }) => dayOf(messageId),
  async run(tx, settlements) {
    await tx.all(SETTLE, [
      textArray(settlements.map(({ scope }) => scope.account)),
      textArray(settlements.map(({ scope }) => scope.region)),
      textArray(settlements.map(({ messageId }) => messageId)),
      integerArray(settlements.map(({ jobId }) => jobId)),
      integerArray(settlements.map(({ at }) => at)),
      integerArray(settlements.map(({ at }) => minuteOf(at))),
      ...updateColumns(settlements),
      ...eventColumns(settlements),
      ...attemptColumns(settlements),
      ...countColumns(settlements),
      dayOf(settlements[0]?.messageId ?? ''),
    ])
    return settlements.map(() => undefined)
  },
}

/** Of several that tell of one recipient the last has the word, as when they are written one after another. */
function updateColumns(settlements: readonly Settlement[]): readonly Value[] {
  const rows = settlements.flatMap(({ updates }, index) => {
    const last = new Map(updates.map((update) => [update.position, update]))
    return [...last.values()].map((update) => ({ ...update, n: index + 1 }))
  })
  return [
    integerArray(rows.map(({ n }) => n)),
    integerArray(rows.map(({ position }) => position)),
    textArray(rows.map(({ status }) => status)),
    textArray(rows.map(({ reply }) => reply)),
  ]
}

function attemptColumns(settlements: readonly Settlement[]): readonly Value[] {
  const rows = settlements.flatMap(({ attempt }, index) => (attempt === null ? [] : [{ ...attempt, n: index + 1 }]))
  return [
    integerArray(rows.map(({ n }) => n)),
    textArray(rows.map(({ destination }) => destination)),
    integerArray(rows.map(({ at }) => at)),
    integerArray(rows.map(({ durationMs }) => durationMs)),
    textArray(rows.map(({ transport }) => transport)),
    textArray(rows.map(({ transcript }) => JSON.stringify(transcript))),
  ]
}

function countColumns(settlements: readonly Settlement[]): readonly Value[] {
  const rows = settlements.flatMap(({ counts }, index) =>
    counts.bounces + counts.complaints + counts.rejects > 0 ? [{ ...counts, n: index + 1 }] : [],
  )
  return [
    integerArray(rows.map(({ n }) => n)),
    integerArray(rows.map(({ bounces }) => bounces)),
    integerArray(rows.map(({ complaints }) => complaints)),
    integerArray(rows.map(({ rejects }) => rejects)),
  ]
}

/** By the names of their commands. */
export const TOGETHER: ReadonlyMap<string, Together> = new Map<string, Together>([
  [acceptance.name, accept],
  [settle.name, settleTogether],
  [remove.name, removeTogether],
])
