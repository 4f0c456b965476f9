/** The header fields that a caller of v2 SendEmail adds to simple content, and what SES refuses in them. */
import { checkHeaders, isFieldName } from './headers.ts'

type CustomHeader = { readonly name: string; readonly value: string }

// SES API v2: Message$Headers, MessageHeader.
const MAX_HEADERS = 15
const MAX_NAME = 126
const MAX_VALUE = 995
const MAX_TOGETHER = 996

// SES developer guide, “Amazon SES header fields”: “disallowed as custom headers”. The transfer encoding is ours as well.
const RESERVED: ReadonlySet<string> = new Set([
  'bcc',
  'cc',
  'content-disposition',
  'content-transfer-encoding',
  'content-type',
  'date',
  'from',
  'message-id',
  'mime-version',
  'reply-to',
  'return-path',
  'subject',
  'to',
])

/** SES's refusal of the fields, or null. Only the text for a blank name has been observed; the others are ours. */
export function customHeaderError(headers: readonly CustomHeader[]): string | null {
  if (headers.length > MAX_HEADERS) return `Header count exceeds ${MAX_HEADERS}.`
  for (const header of headers) {
    const error = nameError(header.name) ?? valueError(header)
    if (error !== null) return error
  }
  return checkHeaders(headers.map(({ name }) => ({ name, lower: name.toLowerCase() })))
}

function nameError(name: string): string | null {
  if (name.trim() === '') return 'The header name must be specified.'
  if (name.length > MAX_NAME) return `Header name cannot exceed ${MAX_NAME} characters.`
  if (!isFieldName(name))
    return `Invalid header name <${name}>: only printable ASCII characters except ':' are allowed.`
  return RESERVED.has(name.toLowerCase()) ? `Illegal header '${name}'.` : null
}

function valueError({ name, value }: CustomHeader): string | null {
  if (value === '') return 'The header value must be specified.'
  if (value.length > MAX_VALUE) return `Header value cannot exceed ${MAX_VALUE} characters.`
  if (name.length + value.length > MAX_TOGETHER)
    return `Header name and value cannot exceed ${MAX_TOGETHER} characters.`
  return /[^ -~]/.test(value) ? `Invalid value of header <${name}>: only printable ASCII characters are allowed.` : null
}
