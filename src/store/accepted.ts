/** An acceptance on its way to the connection that writes it. */
import type { StoredBody } from './bodies.ts'
import type { Value } from './db.ts'
import { ENCODINGS } from './encoding.ts'
import { type Flat, FlatReader } from './flat.ts'
import { FIELDS, STATUSES } from './outcomes.ts'
import type { Acceptance, Scope } from './types.ts'

/** Beside it go the octets of its body. */
export type Accepted = {
  readonly scope: Scope
  readonly messageId: string
  readonly day: number
  readonly acceptedAt: number
  readonly counted: number
  readonly counts: Acceptance['counts']
  readonly recipientsSearch: string
  readonly senderSearch: string
  readonly subjectSearch: string
  readonly document: string
  readonly body: StoredBody
  readonly recipients: Acceptance['recipients']
  readonly jobs: readonly { readonly destination: string; readonly recipients: string; readonly dueAt: number }[]
  readonly events: Acceptance['events']
  readonly attempts: Acceptance['attempts']
  readonly owner: number | null
}

export const acceptedFlat = {
  flatten(accepted: Accepted): readonly Value[] {
    const { scope, counts, body, recipients, jobs, events, attempts } = accepted
    const values: Value[] = [
      scope.account,
      scope.region,
      accepted.messageId,
      accepted.day,
      accepted.acceptedAt,
      accepted.counted,
      counts.bounces,
      counts.complaints,
      counts.rejects,
      accepted.recipientsSearch,
      accepted.senderSearch,
      accepted.subjectSearch,
      accepted.document,
      body.encoding,
      body.stored,
      body.pieces,
      accepted.owner,
      recipients.length,
    ]
    for (const { position, address, mailbox, field, status, reply } of recipients) {
      values.push(position, address, mailbox, field, status, reply)
    }
    values.push(jobs.length)
    for (const { destination, recipients: positions, dueAt } of jobs) values.push(destination, positions, dueAt)
    values.push(events.length)
    for (const { type, at, json } of events) values.push(type, at, json)
    values.push(attempts.length)
    for (const { destination, at, durationMs, transport, transcript } of attempts) {
      values.push(destination, at, durationMs, transport, transcript.length, ...transcript)
    }
    return values
  },
  restore(values: readonly Value[]): Accepted {
    const read = new FlatReader(values)
    return {
      scope: { account: read.text(), region: read.text() },
      messageId: read.text(),
      day: read.number(),
      acceptedAt: read.number(),
      counted: read.number(),
      counts: { bounces: read.number(), complaints: read.number(), rejects: read.number() },
      recipientsSearch: read.text(),
      senderSearch: read.text(),
      subjectSearch: read.text(),
      document: read.text(),
      body: { encoding: read.oneOf(ENCODINGS), stored: read.number(), pieces: read.number() },
      owner: read.numberOrNull(),
      recipients: read.list(() => ({
        position: read.number(),
        address: read.text(),
        mailbox: read.text(),
        field: read.oneOf(FIELDS),
        status: read.oneOf(STATUSES),
        reply: read.textOrNull(),
      })),
      jobs: read.list(() => ({ destination: read.text(), recipients: read.text(), dueAt: read.number() })),
      events: read.list(() => ({ type: read.text(), at: read.number(), json: read.text() })),
      attempts: read.list(() => ({
        destination: read.text(),
        at: read.number(),
        durationMs: read.number(),
        transport: read.text(),
        transcript: read.list(() => read.text()),
      })),
    }
  },
} satisfies Flat<Accepted>
