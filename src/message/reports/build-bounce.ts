/** The bounce that SES forwards to the feedback address: a delivery status notification (RFC 3462, RFC 3464). */
import { formatDate } from '../rewrite.ts'
import { buildReport, field, folded } from './build-report.ts'

export type BouncedRecipient = {
  readonly address: string
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'
  /** `5.1.1`. */
  readonly status: string
  /** `smtp; 550 5.1.1 user unknown`. */
  readonly diagnosticCode: string | null
  /** `dns; mx.example.org`. */
  readonly remoteMta: string | null
  /** Milliseconds since the epoch. */
  readonly lastAttemptAt: number | null
}

export type Bounce = {
  /** `MAILER-DAEMON@amazonses.com`. */
  readonly from: string
  /** The feedback address. */
  readonly to: string
  /** With its angle brackets. */
  readonly messageId: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Host name. */
  readonly reportingMta: string
  /** When the message was accepted, milliseconds since the epoch. */
  readonly arrivedAt: number | null
  readonly recipients: readonly BouncedRecipient[]
  /** The message as it was sent. */
  readonly original: Uint8Array
  /** Longer messages are returned as their header section only. */
  readonly maxOriginalOctets: number
}

/**
 * The whole mail, lines ended by CRLF. Its envelope sender has to be `<>`, so that nothing answers it (RFC 3464 §2); it
 * says so of itself too (RFC 3834 §5). Texts of others are printable ASCII in it, on lines that fit.
 */
export function buildBounce(bounce: Bounce): Buffer {
  return buildReport({
    ...bounce,
    subject: `Delivery Status Notification (${subjectOf(bounce.recipients)})`,
    type: 'delivery-status',
    forPeople: humanText(bounce),
    forPrograms: statusText(bounce),
  })
}

function subjectOf(recipients: readonly BouncedRecipient[]): string {
  if (recipients.some(({ action }) => action === 'failed')) return 'Failure'
  return recipients.some(({ action }) => action === 'delayed') ? 'Delay' : 'Success'
}

/** As bounces that SES forwarded have it. */
function humanText({ recipients }: Bounce): string {
  const told = recipients.map(({ address, action, status, diagnosticCode }) => {
    const reason = diagnosticCode === null ? status : diagnosticCode.replace(/^[\w-]{1,32};\s*/, '')
    if (action === 'failed') return [`The following message to <${address}> was undeliverable.`, reason]
    if (action === 'delayed') return [`The following message to <${address}> has not been delivered yet.`, reason]
    return [`The following message to <${address}> was ${action}.`, reason]
  })
  return told
    .map(([what, why]) => `${folded(what ?? '', '')}\r\nThe reason for the problem:\r\n${folded(why ?? '', '')}\r\n`)
    .join('\r\n')
}

function statusText({ reportingMta, arrivedAt, recipients }: Bounce): string {
  const message = [
    field('Reporting-MTA', `dns; ${reportingMta}`),
    arrivedAt === null ? '' : field('Arrival-Date', formatDate(arrivedAt)),
  ]
  const groups = recipients.map((recipient) =>
    [
      field('Final-Recipient', `rfc822;${recipient.address}`),
      field('Action', recipient.action),
      field('Status', recipient.status),
      recipient.remoteMta === null ? '' : field('Remote-MTA', recipient.remoteMta),
      recipient.diagnosticCode === null ? '' : field('Diagnostic-Code', recipient.diagnosticCode),
      recipient.lastAttemptAt === null ? '' : field('Last-Attempt-Date', formatDate(recipient.lastAttemptAt)),
    ].join(''),
  )
  return [message.join(''), ...groups].join('\r\n')
}
