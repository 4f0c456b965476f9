/** What became of a message: the state of its recipients, its events, the attempts to deliver it. */
import type { Change } from './changes.ts'
import { count } from './counters.ts'
import { changing, query } from './db.ts'
import type { Db, Tx, Value } from './db.ts'
import { dayOf } from './message-day.ts'
import { integer, json, nullable, oneOf, row, text } from './rows.ts'
import type { MessageStore } from './store.ts'
import { addSuppression, suppressionChanges } from './suppressions.ts'
import type { Attempt, JobRest, MessageEvent, Recipient, Scope, Settlement } from './types.ts'

export const FIELDS: readonly Recipient['field'][] = ['to', 'cc', 'bcc', 'envelope']
export const STATUSES: readonly Recipient['status'][] = [
  'queued',
  'delivered',
  'delayed',
  'bounced',
  'complained',
  'rejected',
]
const RECIPIENTS = query(
  `select position, address, mailbox, field, status, reply, updated_at as "updatedAt" from recipients
   where account = ?1 and region = ?2 and message_id = ?3 and day = ?4 order by position`,
  row({
    position: integer,
    address: text,
    mailbox: text,
    field: oneOf(FIELDS),
    status: oneOf(STATUSES),
    reply: nullable(text),
    updatedAt: integer,
  }),
)
const eventRow = row({ messageId: text, type: text, at: integer, json: text })
const EVENTS = query(
  `select message_id as "messageId", type, at, json from events
   where account = ?1 and region = ?2 and message_id = ?3 and day = ?4 order by seq`,
  eventRow,
)
const ENDS = query(
  `select message_id as "messageId", type, at, json from events
   where account = ?1 and region = ?2 and message_id = ?3 and day = ?4
     and type in ('Delivery', 'Bounce', 'Complaint') order by seq`,
  eventRow,
)
const ATTEMPTS = query(
  `select destination, at, duration_ms as "durationMs", transport, transcript from attempts
   where account = ?1 and region = ?2 and message_id = ?3 and day = ?4 order by seq`,
  row({ destination: text, at: integer, durationMs: integer, transport: text, transcript: json<readonly string[]>() }),
)
const EXISTS = query(
  `select 1 as "found" from messages where account = ?1 and region = ?2 and id = ?3 and day = ?4`,
  row({ found: integer }),
)

/** Writes an event; the order of writing is the order of the events of a message. */
export async function addEvent(
  tx: Tx,
  { account, region }: Scope,
  { messageId, type, at, json: body }: MessageEvent,
): Promise<void> {
  await tx.run(
    `insert into events (account, region, message_id, type, at, json, day) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
    [account, region, messageId, type, at, body, dayOf(messageId)],
  )
}

const INSERT_ATTEMPT = `insert into attempts
    (account, region, message_id, day, destination, at, duration_ms, transport, transcript)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`

/** Writes an attempt; the order of writing is the order of the attempts of a message. */
export async function addAttempt(tx: Tx, scope: Scope, messageId: string, attempt: Attempt): Promise<void> {
  const { destination, at, durationMs, transport, transcript } = attempt
  const said = [destination, at, durationMs, transport, JSON.stringify(transcript)]
  await tx.run(INSERT_ATTEMPT, [...keyOf(scope, messageId), ...said])
}

const THE_JOB = `id = ?4 and account = ?1 and region = ?2 and message_id = ?3 and owner is not distinct from ?5`
const END = `delete from jobs where ${THE_JOB}`
const GO_ON = `update jobs set recipients = ?6, attempts = ?7, due_at = ?8, waiting = 1, owner = null where ${THE_JOB}`

function valuesOf({ recipients, attempts, dueAt }: JobRest): readonly Value[] {
  return [JSON.stringify(recipients), attempts, dueAt]
}

async function write(tx: Tx, settlement: Settlement): Promise<void> {
  const { scope, messageId, jobId, rest, owner = null, at, updates, events, attempt, counts, suppress } = settlement
  const key = keyOf(scope, messageId)
  // An attempt ends once, by the node that has the job. Whoever ends it again (it was run twice, or the node was given
  // up meanwhile) must not tell the same story twice.
  if (jobId !== null) {
    const job = [scope.account, scope.region, messageId, jobId, owner]
    const ended = rest === undefined ? await tx.run(END, job) : await tx.run(GO_ON, [...job, ...valuesOf(rest)])
    if (ended === 0) return
  }
  // The message was removed meanwhile: nothing may hang on it any more.
  if ((await tx.getLocked(EXISTS, key)) === undefined) return
  for (const { position, status, reply } of updates) {
    await tx.run(
      `update recipients set status = ?6, reply = ?7, updated_at = ?8
       where account = ?1 and region = ?2 and message_id = ?3 and day = ?4 and position = ?5`,
      [...key, position, status, reply, at],
    )
  }
  for (const event of events) await addEvent(tx, scope, { messageId, ...event })
  if (attempt !== null) await addAttempt(tx, scope, messageId, attempt)
  for (const added of suppress ?? []) await addSuppression(tx, scope, added)
  await count(tx, scope, at, { recipients: 0, ...counts })
}

function changesOf({ scope, suppress = [] }: Settlement): readonly Change[] {
  return suppress.length === 0 ? [] : suppressionChanges(scope)
}

/** See {@link MessageStore.settle}. */
export const settle = { ...changing('messages.settle', changesOf, write), isUrgent: true }

export const outcomeCommands = [settle]

export function outcomeStore(db: Db): Pick<MessageStore, 'settle' | 'recipients' | 'events' | 'ends' | 'attempts'> {
  return {
    settle: (settlement) => db.write(settle, settlement),
    recipients: async (scope, messageId) => db.all(RECIPIENTS, keyOf(scope, messageId)),
    events: async (scope, messageId) => db.all(EVENTS, keyOf(scope, messageId)),
    ends: async (scope, messageId) => db.all(ENDS, keyOf(scope, messageId)),
    attempts: async (scope, messageId) => db.all(ATTEMPTS, keyOf(scope, messageId)),
  }
}

/** The day finds the partition. */
function keyOf({ account, region }: Scope, messageId: string): readonly Value[] {
  return [account, region, messageId, dayOf(messageId)]
}
