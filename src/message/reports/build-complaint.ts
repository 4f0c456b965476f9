/** The complaint that SES forwards to the feedback address: a report in the Abuse Reporting Format (RFC 5965). */
import { formatDate } from '../rewrite.ts'
import { buildReport, field, folded } from './build-report.ts'
import type { FeedbackType } from './feedback.ts'

export type Complaint = {
  /** `complaints@email-abuse.amazonses.com`. */
  readonly from: string
  /** The feedback address. */
  readonly to: string
  /** With its angle brackets. */
  readonly messageId: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly feedbackType: FeedbackType
  /** The program that reported. */
  readonly userAgent: string | null
  /** When the one who complains had got the message, milliseconds since the epoch. */
  readonly arrivedAt: number | null
  /** The address that the message left from. */
  readonly sourceIp: string | null
  /** The visible return path of the message. */
  readonly returnPath: string
  /** Who may have complained. */
  readonly recipients: readonly string[]
  readonly original: Uint8Array
  /** Longer messages are returned as their header section only. */
  readonly maxOriginalOctets: number
}

/** The whole mail, lines ended by CRLF; to be sent from `<>`. Texts of others are printable ASCII in it, on lines that fit. */
export function buildComplaint(complaint: Complaint): Buffer {
  const { sourceIp } = complaint
  return buildReport({
    ...complaint,
    subject: sourceIp === null ? 'complaint about a message' : `complaint about message from ${oneLine(sourceIp)}`,
    type: 'feedback-report',
    forPeople: `${folded(humanText(complaint), '')}\r\n`,
    forPrograms: feedbackText(complaint),
  })
}

function humanText({ feedbackType, recipients, sourceIp, arrivedAt }: Complaint): string {
  const from = sourceIp === null ? '' : ` from IP ${sourceIp}`
  const when = arrivedAt === null ? '' : ` on ${formatDate(arrivedAt)}`
  return `This is a report (${feedbackType}) about an email message received${from}${when} by ${recipients.join(', ')}.`
}

/** RFC 5965 §3.1 and §3.2. */
function feedbackText(complaint: Complaint): string {
  const { feedbackType, userAgent, arrivedAt, sourceIp, returnPath, recipients } = complaint
  return [
    field('Feedback-Type', feedbackType),
    field('User-Agent', userAgent ?? 'unknown'),
    field('Version', '1'),
    field('Original-Mail-From', `<${returnPath}>`),
    ...recipients.map((address) => field('Original-Rcpt-To', `<${address}>`)),
    arrivedAt === null ? '' : field('Arrival-Date', formatDate(arrivedAt)),
    sourceIp === null ? '' : field('Source-IP', sourceIp),
  ].join('')
}

function oneLine(text: string): string {
  return text.slice(0, 100).replace(/[^!-~]/g, '?')
}
