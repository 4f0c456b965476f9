/** A message read for people and tests: the whole of MIME, off the hot path, with bounds. */
import { decodeWords, splitMessage } from './headers.ts'
import { listParts } from './mime-parts.ts'
import type { Part } from './mime-parts.ts'
import { decodeTransfer } from './transfer-encoding.ts'

export { extractCodes, extractLinks } from './extract.ts'

export type ReadAddress = { readonly name: string; readonly address: string }

export type ReadAttachment = {
  readonly filename: string | null
  readonly contentType: string
  readonly disposition: string | null
  /** Without angle brackets. */
  readonly contentId: string | null
  readonly size: number
  readonly content: Uint8Array
}

export type ReadMessage = {
  /** In order, unfolded, encoded-words undone. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly from: ReadAddress | null
  readonly to: readonly ReadAddress[]
  readonly cc: readonly ReadAddress[]
  readonly replyTo: readonly ReadAddress[]
  readonly subject: string | null
  /** ISO 8601, or as the header has it when that is no date. */
  readonly date: string | null
  /** Lines end with LF. */
  readonly text: string | null
  readonly html: string | null
  readonly attachments: readonly ReadAttachment[]
}

const MAX_NESTING = 25
const MAX_HEADER_OCTETS = 2 * 1024 * 1024
const MAX_ATTACHED_MESSAGES = 3

/**
 * Reads a message with postal-mime. One that goes beyond the bounds (1000 parts, 20 levels, 2 MB of headers) is read for
 * its header section only.
 */
export async function readMessage(raw: Uint8Array): Promise<ReadMessage> {
  const message = splitMessage(raw)
  const fields = message.ok ? message.value.headers : []
  const headers = fields.map(({ name, value }) => ({ name, value: decodeWords(value) }))
  const { parts, excess } = message.ok ? listParts(message.value, true) : { parts: [], excess: 'parts' }
  const email = excess === null ? await parseWithin(raw) : null
  return {
    headers,
    from: flatten(email?.from === undefined ? [] : [email.from])[0] ?? null,
    to: flatten(email?.to),
    cc: flatten(email?.cc),
    replyTo: flatten(email?.replyTo),
    subject: headers.find(({ name }) => name.toLowerCase() === 'subject')?.value ?? null,
    date: email?.date ?? null,
    text: bodyText(email?.text, parts, 'text/plain'),
    html: bodyText(email?.html, parts, 'text/html'),
    attachments: readAttachments(email?.attachments ?? [], parts),
  }
}

type Email = Awaited<ReturnType<typeof parseWithPostalMime>>

/** null: beyond the bounds, which postal-mime tells by throwing. */
async function parseWithin(raw: Uint8Array): Promise<Email | null> {
  try {
    return await parseWithPostalMime(raw)
  } catch (error) {
    if (error instanceof Error && /^Maximum .*exceeded/.test(error.message)) return null
    throw error
  }
}

async function parseWithPostalMime(raw: Uint8Array) {
  const { default: PostalMime } = await import('postal-mime')
  return await PostalMime.parse(raw, {
    maxNestingDepth: MAX_NESTING,
    maxHeadersSize: MAX_HEADER_OCTETS,
    maxRfc822NestingDepth: MAX_ATTACHED_MESSAGES,
  })
}

type Address = {
  readonly name: string
  readonly address?: string | undefined
  readonly group?: readonly ReadAddress[] | undefined
}

/** The members of groups among the others. */
function flatten(addresses: readonly Address[] | undefined): ReadAddress[] {
  return (addresses ?? []).flatMap(({ name, address, group }) =>
    group === undefined
      ? [{ name, address: address ?? '' }]
      : group.map((member) => ({ name: member.name, address: member.address })),
  )
}

/**
 * Lines end with LF. postal-mime gives one to the last line of every text that is not base64, where the line end that
 * closes the message or belongs to the boundary is no part of what the sender wrote.
 */
function bodyText(text: string | undefined, parts: readonly Part[], type: string): string | null {
  if (text === undefined) return null
  const lines = text.replaceAll('\r\n', '\n')
  const last = parts.findLast((part) => part.contentType.value === type && part.disposition?.value !== 'attachment')
  return last?.transferEncoding !== 'base64' && lines.endsWith('\n') ? lines.slice(0, -1) : lines
}

/**
 * The attachments that postal-mime finds, with the octets that the sender gave: it turns the line ends of a file that is
 * not base64 into LF, and adds one, to a calendar always. Both lists are in the order of the message; what cannot be told in ours stays as it is.
 */
function readAttachments(found: Email['attachments'], parts: readonly Part[]): ReadAttachment[] {
  let next = 0
  return found.map((attachment) => {
    const read = readAttachment(attachment)
    const index = parts.findIndex((part, n) => n >= next && isPartOf(read, part))
    const part = parts[index]
    if (part === undefined) return read
    next = index + 1
    const content = decodeTransfer(part.body, part.transferEncoding)
    const isAltered = !content.equals(read.content) && isSameText(content, read.content)
    return isAltered ? { ...read, size: content.length, content } : read
  })
}

function isPartOf({ contentType, filename, disposition }: ReadAttachment, part: Part): boolean {
  const { parameters } = part.contentType
  const name = part.disposition?.parameters.get('filename') ?? parameters.get('name') ?? null
  return (
    part.contentType.value === contentType && name === filename && (part.disposition?.value ?? null) === disposition
  )
}

/** Whether two texts differ in their line ends at most, and in one at the end. */
function isSameText(one: Buffer, two: Uint8Array): boolean {
  const [first, second] = [one.toString('latin1'), Buffer.from(two).toString('latin1')].map((text) =>
    text.replaceAll('\r\n', '\n'),
  )
  return first === second || `${first}\n` === second
}

function readAttachment(attachment: Email['attachments'][number]): ReadAttachment {
  const content = octetsOf(attachment.content)
  return {
    filename: attachment.filename,
    contentType: attachment.mimeType,
    disposition: attachment.disposition,
    contentId: attachment.contentId?.replace(/^<|>$/g, '') ?? null,
    size: content.length,
    content,
  }
}

function octetsOf(content: ArrayBuffer | Uint8Array | string): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content)
  return content instanceof Uint8Array ? content : new Uint8Array(content)
}
