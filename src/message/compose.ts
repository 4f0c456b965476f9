/** The message that SES makes of simple content, laid out as JavaMail does. */
import { headerForm, parseMailbox } from './addresses.ts'
import { attachmentEntity, attachmentError } from './attachments.ts'
import type { Entity } from './attachments.ts'
import { encodeText, isCharset } from './charsets.ts'
import type { Attachment, Content, Text } from './content.ts'
import { customHeaderError } from './custom-headers.ts'
import { isPrintable, oneLine, toEncodedWords } from './encoded-words.ts'
import { foldField, MAX_SECTION_OCTETS, TOO_LONG } from './headers.ts'
import { MAX_PARTS } from './mime-parts.ts'
import { parsed, unparsed } from './parsed.ts'
import type { Parsed } from './parsed.ts'
import { encodeBase64, encodeQuotedPrintable, encodingOf } from './transfer-encoding.ts'

export type { Attachment, Content, Text } from './content.ts'

/**
 * Composes the message: From, To, Cc, Reply-To, Subject, MIME-Version, Content-Type, then the caller's own fields (AWS,
 * observed; the place of the last is ours). Text and HTML are alternatives; inline images that HTML can name stand
 * related to it; other attachments follow in a multipart/mixed. Date, Message-ID and the rest come with `rewrite`.
 * `boundary` gives a fresh `----=_Part_…` at each call. Errors: those of addresses, of headers and of attachments.
 */
export function compose(content: Content, boundary: () => string): Parsed<Buffer> {
  const composed = composeParts(content, boundary)
  if (!composed.ok) return composed
  const { header, body } = composed.value
  return parsed(Buffer.concat([Buffer.from(`${header}\r\n`, 'latin1'), body]))
}

/** Header lines, all ASCII and with their CRLF, and the body, whose lines end with CRLF and which holds no NUL. */
export type Composed = { readonly header: string; readonly body: Buffer }

/** As {@link compose}, for whoever goes on to change the header. */
export function composeParts(content: Content, boundary: () => string): Parsed<Composed> {
  const error = contentError(content)
  if (error !== null) return unparsed(error)
  const addresses = addressFields(content)
  if (!addresses.ok) return addresses
  const { subject } = content
  let header = addresses.value
  if (subject !== undefined) header += foldField('Subject', subjectValue(subject))
  const entity = bodyOf(content, boundary)
  header += `MIME-Version: 1.0\r\n${entity.header}`
  for (const { name, value } of content.headers) header += foldField(name, value)
  return parsed({ header, body: joined(entity.body) })
}

function contentError({ subject, text, html, headers, attachments }: Content): string | null {
  for (const each of [subject, text, html]) {
    if (each?.charset !== undefined && !isCharset(each.charset)) return `Invalid charset <${each.charset}>.`
  }
  // It could not be kept anyway, and encoding megabytes of it would take seconds.
  if (subject !== undefined && subject.data.length > MAX_SECTION_OCTETS) return TOO_LONG
  if (attachments.length >= MAX_PARTS) return `Number of MIME parts exceeds ${MAX_PARTS}.`
  for (const attachment of attachments) {
    const error = attachmentError(attachment)
    if (error !== null) return error
  }
  return headers.length === 0 ? null : customHeaderError(headers)
}

function addressFields({ from, to, cc, replyTo }: Content): Parsed<string> {
  let fields = ''
  for (const [name, list] of [
    ['From', [from]] as const,
    ['To', to] as const,
    ['Cc', cc] as const,
    ['Reply-To', replyTo] as const,
  ]) {
    if (list.length === 0) continue
    const forms: string[] = []
    for (const address of list) {
      const mailbox = parseMailbox(address)
      if (!mailbox.ok) return mailbox
      forms.push(headerForm(mailbox.value))
    }
    fields += foldField(name, forms.join(', '))
  }
  return parsed(fields)
}

/** ASCII stays as it is, so that a caller may encode by himself. */
function subjectValue({ data, charset }: Text): string {
  const line = oneLine(data)
  const text = charset === undefined ? line.replace(/\P{ASCII}/gu, '?') : line
  return isPrintable(text) && !isUnfoldable(text) ? text : toEncodedWords(text, charset)
}

/** Whether a run without white space is so long that no fold can keep its line under 998 characters (RFC 5322 §2.1.1). */
function isUnfoldable(text: string): boolean {
  return text.length > 900 && text.split(/[ \t]/).some((run) => run.length > 900)
}

function bodyOf({ text, html, attachments }: Content, boundary: () => string): Entity {
  const isRelated = (attachment: Attachment) =>
    html !== undefined && attachment.disposition === 'INLINE' && attachment.contentId !== undefined
  const related = attachments.filter(isRelated).map(attachmentEntity)
  const others = attachments.filter((attachment) => !isRelated(attachment)).map(attachmentEntity)
  const page = html === undefined ? undefined : together('related', [textEntity('html', html), ...related], boundary)
  const plain =
    text === undefined && page !== undefined ? undefined : textEntity('plain', text ?? { data: '', charset: undefined })
  const alternatives = [plain, page].filter((each) => each !== undefined)
  return together('mixed', [together('alternative', alternatives, boundary), ...others], boundary)
}

/** One entity stays as it is; several become a multipart. */
function together(subtype: string, entities: readonly Entity[], boundary: () => string): Entity {
  const [only] = entities
  if (only !== undefined && entities.length === 1) return only
  const verbatim = entities.flatMap((entity) => entity.verbatim)
  const delimiter = unusedBoundary(verbatim, boundary)
  const body: (string | Buffer)[] = []
  for (const entity of entities) body.push(`--${delimiter}\r\n${entity.header}\r\n`, ...entity.body, '\r\n')
  body.push(`--${delimiter}--\r\n`)
  // The fold is JavaMail's; SES's events show it as two spaces.
  const header = `Content-Type: multipart/${subtype}; \r\n\tboundary="${delimiter}"\r\n`
  return { header, body, verbatim: [...verbatim, delimiter] }
}

/** A boundary that occurs nowhere in what is written without an encoding. */
function unusedBoundary(verbatim: readonly (string | Buffer)[], boundary: () => string): string {
  for (let n = 0; ; n++) {
    const candidate = n < 3 ? boundary() : `${boundary()}_${n}`
    if (!verbatim.some((piece) => piece.includes(candidate))) return candidate
  }
}

function textEntity(subtype: 'plain' | 'html', { data, charset = 'us-ascii' }: Text): Entity {
  const octets = encodeText(withCrlf(data), charset)
  const encoding = encodingOf(octets)
  const body =
    encoding === '7bit' ? octets : encoding === 'base64' ? encodeBase64(octets) : encodeQuotedPrintable(octets, true)
  return {
    header: `Content-Type: text/${subtype}; charset=${charset}\r\nContent-Transfer-Encoding: ${encoding}\r\n`,
    body: [body],
    verbatim: encoding === '7bit' ? [body] : [],
  }
}

/** Text has CRLF at its line ends, whatever the transfer encoding (RFC 2046 §4.1.1). */
function withCrlf(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n|\r|\n/g, '\r\n') : text.replaceAll('\n', '\r\n')
}

/** The texts are ASCII. A message ends with a line end. */
function joined(pieces: readonly (string | Buffer)[]): Buffer {
  const [only] = pieces
  if (pieces.length === 1 && typeof only === 'object' && endsLine(only, only.length)) return only
  let size = 0
  for (const piece of pieces) size += piece.length
  const body = Buffer.allocUnsafe(size + 2)
  let at = 0
  for (const piece of pieces) at += typeof piece === 'string' ? body.write(piece, at, 'latin1') : piece.copy(body, at)
  // Nothing at all: the blank line before it is the line end.
  return at === 0 || endsLine(body, at) ? body.subarray(0, at) : body.subarray(0, at + body.write('\r\n', at, 'latin1'))
}

function endsLine(octets: Buffer, end: number): boolean {
  return octets[end - 2] === 0x0d && octets[end - 1] === 0x0a
}
