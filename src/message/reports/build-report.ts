/** The reports that we write (RFC 6522): for people, for programs, and with the message that they are about. */
import { headerField, splitMessage } from '../headers.ts'
import { formatDate } from '../rewrite.ts'

export type WrittenReport = {
  readonly from: string
  readonly to: string
  /** With its angle brackets. */
  readonly messageId: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly subject: string
  /** `delivery-status`: also the name of the part for programs. */
  readonly type: 'delivery-status' | 'feedback-report'
  /** US-ASCII. */
  readonly forPeople: string
  readonly forPrograms: string
  readonly original: Uint8Array
  /** Longer messages are returned as their header section only. */
  readonly maxOriginalOctets: number
}

/** The whole mail, lines ended by CRLF. It says of itself that nobody shall answer it (RFC 3834 §5). */
export function buildReport(report: WrittenReport): Buffer {
  const { type, forPeople, forPrograms } = report
  const returned = returnedPart(report.original, report.maxOriginalOctets)
  const boundary = boundaryFor(report.messageId, returned.octets)
  const head = [
    headerField('From', report.from),
    headerField('To', report.to),
    headerField('Date', formatDate(report.at)),
    headerField('Message-ID', report.messageId),
    headerField('Subject', report.subject),
    headerField('Auto-Submitted', 'auto-replied'),
    headerField('MIME-Version', '1.0'),
    headerField('Content-Type', `multipart/report; report-type=${type}; boundary="${boundary}"`),
    ...(returned.isEightBit ? [headerField('Content-Transfer-Encoding', '8bit')] : []),
  ]
  const parts = [
    `${head.map(({ raw }) => raw).join('')}\r\n`,
    `--${boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n${forPeople}\r\n`,
    `--${boundary}\r\nContent-Type: message/${type}\r\n\r\n${forPrograms}\r\n`,
    `--${boundary}\r\nContent-Type: ${returned.type}\r\n${returned.isEightBit ? 'Content-Transfer-Encoding: 8bit\r\n' : ''}\r\n`,
  ]
  return Buffer.concat([Buffer.from(parts.join(''), 'latin1'), returned.octets, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

/** A field of a machine-readable part, folded, with its line end. */
export function field(name: string, value: string): string {
  return `${folded(`${name}: ${value}`, ' ')}\r\n`
}

/** RFC 5322 §2.1.1: lines of 78 characters where words allow it; a word of more than 900 is cut. */
const LINE = 78
/** Replies have been seen with some hundreds of lines. */
const MAX_TEXT = 8192

/** On lines that fit, each but the first behind `indent`. Printable ASCII: white space is one space, the rest `?`. */
export function folded(text: string, indent: string): string {
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

/** The message that a report is about; of one of more than `maxOctets` its header section. */
function returnedPart(original: Uint8Array, maxOctets: number): Returned {
  const isWhole = original.length <= maxOctets
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
