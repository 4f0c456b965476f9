/** Accepting a message: the one write that every call of SES waits for. */
import { count } from './counters.ts'
import { command } from './db.ts'
import type { Db } from './db.ts'
import { addAttempt, addEvent } from './outcomes.ts'
import type { Acceptance, Job, Scope } from './types.ts'

/** An acceptance as it crosses to the thread that writes: flat, since cloning nested objects costs more than JSON. */
export type Accepted = {
  readonly scope: Scope
  readonly messageId: string
  readonly acceptedAt: number
  readonly counted: number
  readonly counts: Acceptance['counts']
  readonly recipientsSearch: string
  readonly senderSearch: string
  readonly subjectSearch: string
  readonly document: string
  readonly raw: Uint8Array
  readonly recipients: Acceptance['recipients']
  readonly jobs: readonly { readonly destination: string; readonly recipients: string; readonly dueAt: number }[]
  readonly events: Acceptance['events']
  readonly attempts: Acceptance['attempts']
  readonly owner: number | null
}

const INSERT_MESSAGE = `insert into messages
    (account, region, id, accepted_at, recipients_search, sender_search, subject_search, document)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`
const INSERT_BODY = `insert into bodies (seq, account, region, raw) values (?1, ?2, ?3, ?4)`
const INSERT_RECIPIENT = `insert into recipients
    (account, region, message_id, position, address, mailbox, field, status, reply, updated_at)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`
const INSERT_JOB = `insert into jobs
    (account, region, message_id, destination, recipients, attempts, due_at, waiting, owner)
  values (?1, ?2, ?3, ?4, ?5, 0, ?6, 0, ?7)`

/** Gives the ids of the jobs, in their order. */
export const acceptance = command('messages.accept', async (tx, accepted: Accepted) => {
  const { scope, messageId, acceptedAt } = accepted
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
  ]
  const seq = await tx.insertNumbered(INSERT_MESSAGE, message, 'seq')
  await tx.run(INSERT_BODY, [seq, account, region, accepted.raw])
  for (const { position, address, mailbox, field, status, reply } of accepted.recipients) {
    const recipient = [account, region, messageId, position, address, mailbox, field, status, reply, acceptedAt]
    await tx.run(INSERT_RECIPIENT, recipient)
  }
  const jobIds: number[] = []
  for (const { destination, recipients, dueAt } of accepted.jobs) {
    const job = [account, region, messageId, destination, recipients, dueAt, accepted.owner]
    jobIds.push(await tx.insertNumbered(INSERT_JOB, job, 'id'))
  }
  for (const event of accepted.events) await addEvent(tx, scope, { messageId, ...event })
  for (const attempt of accepted.attempts) await addAttempt(tx, scope, messageId, attempt)
  await count(tx, scope, acceptedAt, { recipients: accepted.counted, ...accepted.counts })
  return jobIds
})

/** Writes an acceptance; gives its jobs with their ids. Throws as {@link Db.write}. */
export async function accept(
  db: Db,
  { scope, message, raw, recipients, jobs, events, attempts, counts, owner = null }: Acceptance,
): Promise<readonly Job[]> {
  const accepted: Accepted = {
    scope,
    messageId: message.id,
    acceptedAt: message.acceptedAt,
    counted: message.counted,
    counts,
    recipientsSearch: searched(recipients.map(({ address }) => address)),
    senderSearch: searched([message.source, ...(message.commonHeaders.from ?? [])]),
    subjectSearch: searched([message.commonHeaders.subject ?? '']),
    document: JSON.stringify(message),
    raw: ownBytes(raw),
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
  const ids = await db.write(acceptance, accepted, raw.byteLength)
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

/** Cloning a view clones the whole buffer that it looks into, such as the pool that Node cuts small Buffers from. */
function ownBytes(view: Uint8Array): Uint8Array {
  return view.byteLength === view.buffer.byteLength ? view : new Uint8Array(view)
}
