/** The bounce that SES forwards to the feedback address: a delivery status notification (RFC 3462, RFC 3464). */
import { headerField, splitMessage } from '../headers.ts'
import { formatDate } from '../rewrite.ts'

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
  const returned = returnedPart(bounce)
  const boundary = boundaryFor(bounce.messageId, returned.octets)
  const head = [
    headerField('From', bounce.from),
    headerField('To', bounce.to),
    headerField('Date', formatDate(bounce.at)),
    headerField('Message-ID', bounce.messageId),
    headerField('Subject', `Delivery Status Notification (${subjectOf(bounce.recipients)})`),
    headerField('Auto-Submitted', 'auto-replied'),
    headerField('MIME-Version', '1.0'),
    headerField('Content-Type', `multipart/report; report-type=delivery-status; boundary="${boundary}"`),
    ...(returned.isEightBit ? [headerField('Content-Transfer-Encoding', '8bit')] : []),
  ]
  const parts = [
    `${head.map(({ raw }) => raw).join('')}\r\n`,
    `--${boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n${humanText(bounce)}\r\n`,
    `--${boundary}\r\nContent-Type: message/delivery-status\r\n\r\n${statusText(bounce)}\r\n`,
    `--${boundary}\r\nContent-Type: ${returned.type}\r\n${returned.isEightBit ? 'Content-Transfer-Encoding: 8bit\r\n' : ''}\r\n`,
  ]
  return Buffer.concat([Buffer.from(parts.join(''), 'latin1'), returned.octets, Buffer.from(`\r\n--${boundary}--\r\n`)])
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

function field(name: string, value: string): string {
  return `${folded(`${name}: ${value}`, ' ')}\r\n`
}

/** RFC 5322 §2.1.1: lines of 78 characters where words allow it; a word of more than 900 is cut. */
const LINE = 78
/** Replies have been seen with some hundreds of lines. */
const MAX_TEXT = 8192

/** On lines that fit, each but the first behind `indent`. Printable ASCII: white space is one space, the rest `?`. */
function folded(text: string, indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const long of text.slice(0, MAX_TEXT).split(/[\s\0]+/)) {
    for (const word of long.replace(/[^!-~]/g, '?').match(/.{1,900}/g) ?? []) {
      if (line !== '' && line.length + 1 + word.length > LINE) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join(`\r\n${indent}`)
}

type Returned = { readonly type: string; readonly octets: Uint8Array; readonly isEightBit: boolean }

function returnedPart({ original, maxOriginalOctets }: Bounce): Returned {
  const isWhole = original.length <= maxOriginalOctets
  const octets = isWhole ? original : headerSection(original)
  return { type: isWhole ? 'message/rfc822' : 'text/rfc822-headers', octets, isEightBit: octets.some((c) => c > 0x7f) }
}

function headerSection(original: Uint8Array): Uint8Array {
  const message = splitMessage(original)
  return message.ok ? Buffer.from(message.value.headers.map(({ raw }) => raw).join(''), 'latin1') : new Uint8Array(0)
}

/** A line that the returned message does not have; its sender could not know this one's Message-ID. */
function boundaryFor(messageId: string, octets: Uint8Array): string {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  const base = `=_${messageId.replace(/[^A-Za-z0-9]/g, '').slice(0, 50)}`
  for (let n = 0; ; n++) if (!text.includes(`--${base}_${n}`)) return `${base}_${n}`
}
