/** Attachments of composed mail: what is refused in them, and the MIME part that one becomes. */
import { contentTypeOf, extensionOf } from './attachment-types.ts'
import type { Attachment } from './content.ts'
import { isTokenCharacter } from './content-headers.ts'
import { encodeWords, isPrintable, oneLine, toEncodedWords } from './encoded-words.ts'
import { foldField } from './headers.ts'
import { encodeBase64, encodeQuotedPrintable, isSevenBitSafe } from './transfer-encoding.ts'

/** A MIME entity ready to be written: header lines, each with its CRLF, and the body. */
export type Entity = {
  readonly header: string
  readonly body: readonly (string | Buffer)[]
  /** The pieces of the body that stand as the caller wrote them, in which a boundary could occur. */
  readonly verbatim: readonly (string | Buffer)[]
}

// SES API v2: Attachment.
const MAX_FILE_NAME = 255
const MAX_CONTENT_TYPE = 78
const MAX_CONTENT_ID = 78
const MAX_DESCRIPTION = 1000

/** SES's refusal of the attachment, or null. What is refused has been observed or is documented, the texts are ours. */
export function attachmentError(attachment: Attachment): string | null {
  const { contentType, contentId, description } = attachment
  return (
    fileNameError(attachment.fileName) ??
    (contentType === undefined ? null : contentTypeError(contentType)) ??
    (contentId === undefined ? null : contentIdError(contentId)) ??
    (description !== undefined && description.length > MAX_DESCRIPTION
      ? `Attachment content description cannot exceed ${MAX_DESCRIPTION} characters.`
      : null)
  )
}

function fileNameError(name: string): string | null {
  if (name.trim() === '') return 'The attachment file name must be specified.'
  if (name.length > MAX_FILE_NAME) return `Attachment file name cannot exceed ${MAX_FILE_NAME} characters.`
  if (/[/\\:*?"<>|\p{Cc}]/u.test(name)) {
    return `Invalid attachment file name <${name}>: control characters and / \\ : * ? " < > | are not allowed.`
  }
  return extensionOf(name) === '' ? `Invalid attachment file name <${name}>: a file extension is required.` : null
}

/** `type/subtype`, parameters allowed. A multipart would be taken apart as a part of the message. */
function contentTypeError(type: string): string | null {
  if (type.length > MAX_CONTENT_TYPE) return `Attachment content type cannot exceed ${MAX_CONTENT_TYPE} characters.`
  const isGood =
    /^[\w!#$%&'*+.^`{|}~-]+\/[\w!#$%&'*+.^`{|}~-]+ ?(?:;|$)/.test(type) &&
    /^[ -~]*$/.test(type) &&
    !/^multipart\//i.test(type)
  return isGood ? null : `Invalid attachment content type <${type}>.`
}

function contentIdError(id: string): string | null {
  if (id.length > MAX_CONTENT_ID) return `Attachment content ID cannot exceed ${MAX_CONTENT_ID} characters.`
  return /^[!-;=?-~]+$/.test(bareContentId(id)) ? null : `Invalid attachment content ID <${id}>.`
}

function bareContentId(id: string): string {
  return id.startsWith('<') && id.endsWith('>') ? id.slice(1, -1) : id
}

/** The part of an attachment that {@link attachmentError} has passed; header order as JavaMail has it. */
export function attachmentEntity(attachment: Attachment): Entity {
  const { fileName, contentId, description } = attachment
  const { encoding, body } = encodeContent(attachment)
  const header =
    contentTypeField(attachment) +
    `Content-Transfer-Encoding: ${encoding}\r\n` +
    dispositionField(attachment.disposition === 'INLINE' ? 'inline' : 'attachment', fileName) +
    (contentId === undefined ? '' : foldField('Content-ID', `<${bareContentId(contentId)}>`)) +
    (description === undefined ? '' : foldField('Content-Description', encodeWords(oneLine(description))))
  return { header, body: [body], verbatim: encoding === '7bit' ? [body] : [] }
}

const SOFT_BREAK = Buffer.from('=')

/**
 * 7bit is for messages (RFC 2046 §5.2.1), and for text where the caller asks for it: well-known programs change its line
 * ends and add one, which no file can bear.
 */
function encodeContent({ content, transferEncoding, contentType, fileName }: Attachment): {
  encoding: string
  body: Buffer
} {
  if (transferEncoding === 'QUOTED_PRINTABLE') {
    // A last soft line break keeps off the line end that some programs give to every line of this encoding.
    return { encoding: 'quoted-printable', body: Buffer.concat([encodeQuotedPrintable(content, false), SOFT_BREAK]) }
  }
  const type = contentType ?? contentTypeOf(fileName)
  const isWanted = transferEncoding === 'SEVEN_BIT' ? /^(?:text|message)\//i : /^message\//i
  if (transferEncoding !== 'BASE64' && isWanted.test(type) && isSevenBitSafe(content)) {
    return { encoding: '7bit', body: Buffer.from(content.buffer, content.byteOffset, content.byteLength) }
  }
  return { encoding: 'base64', body: encodeBase64(content) }
}

/** The `name` parameter is for programs that do not look at Content-Disposition; such read encoded-words in it. */
function contentTypeField({ contentType, fileName }: Attachment): string {
  const type = contentType ?? contentTypeOf(fileName)
  if (/;\s*name\b/i.test(type)) return foldField('Content-Type', type)
  const name = isPrintable(fileName) ? quoteParameter(fileName) : `"${toEncodedWords(fileName)}"`
  return foldField('Content-Type', `${type.replace(/[\s;]+$/, '')}; name=${name}`)
}

function dispositionField(disposition: string, fileName: string): string {
  const name = isPrintable(fileName) ? `filename=${quoteParameter(fileName)}` : extendedParameter('filename', fileName)
  return foldField('Content-Disposition', `${disposition}; ${name}`)
}

function quoteParameter(value: string): string {
  for (let i = 0; i < value.length; i++) if (!isTokenCharacter(value.charCodeAt(i))) return `"${value}"`
  return value
}

/** RFC 2231 §4.1: percent-encoded UTF-8 in pieces of at most 50 characters, so that each fits its line. */
function extendedParameter(name: string, value: string): string {
  const pieces: string[] = []
  let piece = ''
  for (const character of value) {
    const encoded = percentEncode(character)
    if (piece.length + encoded.length > 50) {
      pieces.push(piece)
      piece = ''
    }
    piece += encoded
  }
  pieces.push(piece)
  if (pieces.length === 1) return `${name}*=UTF-8''${piece}`
  return pieces.map((each, n) => `${name}*${n}*=${n === 0 ? "UTF-8''" : ''}${each}`).join('; ')
}

/** RFC 2231 §7 `attribute-char` is narrower than what encodeURIComponent leaves alone; a lone surrogate is U+FFFD. */
function percentEncode(character: string): string {
  return encodeURIComponent(character.toWellFormed()).replace(
    /['()*!]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
