/** What a caller asks to be sent, in one shape for all surfaces: the operations and the SMTP server fill it in, the pipeline takes it from there. */
import type { Attachment, Text } from '../../message/compose.ts'

export type Tag = { readonly name: string; readonly value: string }

export type ListManagement = { readonly contactListName: string; readonly topicName: string | null }

/** v1 SendEmail, v2 Simple: SES composes the message. */
export type FormattedContent = {
  readonly kind: 'formatted'
  readonly subject: Text | undefined
  readonly text: Text | undefined
  readonly html: Text | undefined
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly attachments: readonly Attachment[]
}

/** v1 SendRawEmail, v2 Raw, SMTP: the caller composed it. */
export type RawContent = { readonly kind: 'raw'; readonly data: Uint8Array }

export type Destination = {
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
}

export type Submission = {
  readonly surface: 'v1' | 'v2' | 'smtp'
  /** The value of the `ses:operation` tag. */
  readonly operation: 'SendEmail' | 'SendRawEmail' | 'SendSmtpEmail'
  /** The IAM action that the caller needs: v2 raw and SMTP count as `ses:SendRawEmail`. */
  readonly action: 'ses:SendEmail' | 'ses:SendRawEmail'
  /** v1 `Source`, v2 `FromEmailAddress`, SMTP MAIL FROM. */
  readonly sender: string | undefined
  /** Formatted mail, and v2 Raw with a `Destination`. */
  readonly destination: Destination | undefined
  /** v1 raw `Destinations`, SMTP RCPT TO. */
  readonly envelope: readonly string[]
  readonly replyTo: readonly string[]
  /** v1 `ReturnPath`, v2 `FeedbackForwardingEmailAddress`. */
  readonly returnPath: string | undefined
  readonly sourceArn: string | undefined
  readonly fromArn: string | undefined
  readonly returnPathArn: string | undefined
  /** undefined: take those of the X-SES-MESSAGE-TAGS header. Given tags replace the header's, they are not merged. */
  readonly tags: readonly Tag[] | undefined
  readonly configurationSet: string | undefined
  readonly tenantName: string | undefined
  readonly listManagement: ListManagement | undefined
  readonly content: FormattedContent | RawContent
  /** Octets: 10 MB through v1, 40 MB through v2 and SMTP (SES quotas: "Message quotas"). */
  readonly maxBytes: number
}

/** A submission with nothing but its content: what the surfaces start from. */
export const NOTHING_GIVEN = {
  sender: undefined,
  destination: undefined,
  envelope: [],
  replyTo: [],
  returnPath: undefined,
  sourceArn: undefined,
  fromArn: undefined,
  returnPathArn: undefined,
  tags: undefined,
  configurationSet: undefined,
  tenantName: undefined,
  listManagement: undefined,
} as const satisfies Partial<Submission>
