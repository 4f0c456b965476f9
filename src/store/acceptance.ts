/** Accepting a message: the one write that every call of SES waits for. */
import { acceptedFlat } from './accepted.ts'
import type { Accepted } from './accepted.ts'
import { claimPieces } from './bodies.ts'
import type { KeepBody } from './bodies.ts'
import { count } from './counters.ts'
import { command } from './db.ts'
import type { Db, Tx } from './db.ts'
import { serviceUnavailable } from './group-commit.ts'
import { changeHeld } from './held.ts'
import type { HeldChange } from './held.ts'
import { dayOf } from './message-day.ts'
import { addAttempt, addEvent } from './outcomes.ts'
import type { Acceptance, Job } from './types.ts'
import { isUrgent } from './urgent.ts'

const INSERT_MESSAGE = `insert into messages (account, region, id, accepted_at, recipients_search, sender_search,
    subject_search, document, day, stored, pieces)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`
const INSERT_BODY = `insert into bodies (seq, account, region, day, encoding, data) values (?1, ?2, ?3, ?4, ?5, ?6)`
const INSERT_RECIPIENT = `insert into recipients
    (account, region, message_id, position, address, mailbox, field, status, reply, updated_at, day)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`
const INSERT_JOB = `insert into jobs
    (account, region, message_id, destination, recipients, attempts, due_at, waiting, owner)
  values (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8)`

async function write(tx: Tx, accepted: Accepted, data: Uint8Array): Promise<readonly number[]> {
  const { scope, messageId, day, acceptedAt, body } = accepted
  const { account, region } = scope
  const message = [
    account,
    region,
    messageId,
    acceptedAt,
    accepted.recipientsSearch,
    accepted.senderSearch,
    accepted.subjectSearch,
    accepted.document,
    day,
    body.stored,
    body.pieces,
  ]
  const seq = await tx.insertNumbered(INSERT_MESSAGE, message, 'seq')
  if (body.pieces === 0) await tx.run(INSERT_BODY, [seq, account, region, day, body.encoding, data])
  for (const { position, address, mailbox, field, status, reply } of accepted.recipients) {
    const recipient = [account, region, messageId, position, address, mailbox, field, status, reply, acceptedAt, day]
    await tx.run(INSERT_RECIPIENT, recipient)
  }
  const jobIds: number[] = []
  for (const { destination, recipients, dueAt } of accepted.jobs) {
    // Urgent ones are found by their due time: as if they were postponed.
    const waiting = isUrgent({ dueAt }) ? 1 : 0
    const job = [account, region, messageId, destination, recipients, dueAt, waiting, accepted.owner]
    jobIds.push(await tx.insertNumbered(INSERT_JOB, job, 'id'))
  }
  for (const event of accepted.events) await addEvent(tx, scope, { messageId, ...event })
  for (const attempt of accepted.attempts) await addAttempt(tx, scope, messageId, attempt)
  await count(tx, scope, acceptedAt, { recipients: accepted.counted, ...accepted.counts })
  return jobIds
}

/** What acceptances add to what is held: the change of each. */
export function heldBy(accepted: readonly Accepted[]): readonly HeldChange[] {
  return accepted.map(({ scope, day, body }) => ({ scope, day, messages: 1, bytes: body.stored }))
}

/** Gives the ids of the jobs, in their order. What is held is counted once a batch: each time would be 2 µs a message. */
export const acceptance = {
  ...command('messages.accept', write, (tx, batch: readonly Accepted[]) => changeHeld(tx, heldBy(batch))),
  flat: acceptedFlat,
}

/** As {@link acceptance}, of a message whose body lies there in pieces; undefined when they were swept meanwhile. */
export const acceptanceInPieces = command('messages.acceptPieces', async (tx, accepted: Accepted, data) => {
  if (!(await claimPieces(tx, accepted))) return undefined
  const jobIds = await write(tx, accepted, data)
  await changeHeld(tx, heldBy([accepted]))
  return jobIds
})

/**
 * Writes an acceptance, its body beforehand when it is large; gives its jobs with their ids. Throws as
 * {@link Db.write}.
 */
export async function accept(
  db: Db,
  keepBody: KeepBody,
  { scope, message, raw, recipients, jobs, events, attempts, counts, owner = null }: Acceptance,
): Promise<readonly Job[]> {
  const day = dayOf(message.id)
  const kept = keepBody({ scope, messageId: message.id, day, at: message.acceptedAt }, raw)
  // A small one is written in the same turn of the event loop.
  const { data, ...body } = kept instanceof Promise ? await kept : kept
  const accepted: Accepted = {
    scope,
    messageId: message.id,
    day,
    acceptedAt: message.acceptedAt,
    counted: message.counted,
    counts,
    recipientsSearch: searched(recipients.map(({ address }) => address)),
    senderSearch: searched([message.source, ...(message.commonHeaders.from ?? [])]),
    subjectSearch: searched([message.commonHeaders.subject ?? '']),
    document: JSON.stringify(message),
    body,
    recipients,
    jobs: jobs.map(({ destination, recipients: positions, dueAt }) => ({
      destination,
      recipients: JSON.stringify(positions),
      dueAt,
    })),
    events,
    attempts,
    owner,
  }
  const ids =
    body.pieces === 0 ? await db.write(acceptance, accepted, data) : await db.write(acceptanceInPieces, accepted)
  if (ids === undefined) throw serviceUnavailable('the pieces of the body are no longer there')
  return jobs.map((job, index) => {
    const id = ids[index]
    if (id === undefined) throw new Error('fewer job ids than jobs')
    return { ...job, id, scope, messageId: message.id, attempts: 0, owner }
  })
}

/** Text as searches see it: in lower case, one entry a line. */
function searched(entries: readonly string[]): string {
  return entries.join('\n').toLowerCase()
}
