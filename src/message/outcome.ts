/** What became of a delivery: values, never exceptions. */

/** An SMTP reply of the other side. */
export type Reply = { readonly code: number; readonly enhanced: string | null; readonly text: string }

/**
 * One recipient's outcome. `complained`: delivered, and reported as spam afterwards (the mailbox simulator's).
 * `bounce` says why in SES's words; deferral comes with the transports that can meet it.
 */
export type RecipientOutcome =
  | { readonly position: number; readonly kind: 'delivered'; readonly reply: Reply }
  | { readonly position: number; readonly kind: 'complained'; readonly reply: Reply }
  | {
      readonly position: number
      readonly kind: 'bounced'
      readonly reply: Reply
      readonly bounceType: 'Undetermined' | 'Permanent' | 'Transient'
      readonly bounceSubType: string
    }

/** One attempt to hand a message to one destination. */
export type Outcome = {
  readonly transport: 'capture' | 'simulator'
  readonly recipients: readonly RecipientOutcome[]
  /** Name of the host that spoke to the other side. */
  readonly reportingMta: string
  /** The dialogue, a line each, as an operator reads it. */
  readonly transcript: readonly string[]
}

/** `250 2.0.0 Ok`: a reply as one line. */
export function replyLine(reply: Reply): string {
  return [String(reply.code), reply.enhanced, reply.text].filter((part) => part !== null && part !== '').join(' ')
}
