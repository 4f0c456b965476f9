/** A mail in words of no API, and how each surface takes it. */
import { REGION } from './server.ts'

export type Mail = {
  readonly from: string
  readonly to: readonly string[]
  readonly cc?: readonly string[]
  readonly bcc?: readonly string[]
  readonly subject?: string
  readonly text?: string
  readonly html?: string
  readonly configurationSet?: string
  readonly tags?: readonly { readonly Name: string; readonly Value: string }[]
  /** Header lines of raw mail in place of those made of the members above, To and From among them. */
  readonly headers?: readonly string[]
}

/** A call of an AWS API: the operation in AWS's own spelling, and its input. */
export type Call = {
  readonly service: 'ses' | 'sesv2'
  readonly operation: string
  readonly input: Record<string, unknown>
}

/** Octets, in the input of a call. */
export type Octets = { readonly $octets: string }

export const REGION_IN_TEXTS = REGION.toUpperCase()

/** v1 SendEmail. */
export function v1Formatted(mail: Mail): Call {
  const input = {
    Source: mail.from,
    Destination: destination(mail),
    Message: { Subject: { Data: subject(mail) }, Body: body(mail) },
    ...(mail.configurationSet === undefined ? {} : { ConfigurationSetName: mail.configurationSet }),
    ...(mail.tags === undefined ? {} : { Tags: mail.tags }),
  }
  return { service: 'ses', operation: 'SendEmail', input }
}

/** v1 SendRawEmail: everything is said in the message. */
export function v1Raw(mail: Mail): Call {
  return { service: 'ses', operation: 'SendRawEmail', input: { RawMessage: { Data: octets(rawMail(mail)) } } }
}

/** v2 SendEmail, Simple. */
export function v2Simple(mail: Mail): Call {
  const input = {
    FromEmailAddress: mail.from,
    Destination: destination(mail),
    Content: { Simple: { Subject: { Data: subject(mail) }, Body: body(mail) } },
    ...(mail.configurationSet === undefined ? {} : { ConfigurationSetName: mail.configurationSet }),
    ...(mail.tags === undefined ? {} : { EmailTags: mail.tags }),
  }
  return { service: 'sesv2', operation: 'SendEmail', input }
}

/** v2 SendEmail, Raw: everything is said in the message. */
export function v2Raw(mail: Mail): Call {
  return { service: 'sesv2', operation: 'SendEmail', input: { Content: { Raw: { Data: octets(rawMail(mail)) } } } }
}

/** The mail as a message with LF line ends, which is how programs of Unix take it. */
export function rawMail(mail: Mail): string {
  const headers = mail.headers ?? [
    `From: ${mail.from}`,
    ...list('To', mail.to),
    ...list('Cc', mail.cc),
    ...list('Bcc', mail.bcc),
    `Subject: ${subject(mail)}`,
    ...(mail.configurationSet === undefined ? [] : [`X-SES-CONFIGURATION-SET: ${mail.configurationSet}`]),
    ...(mail.tags === undefined
      ? []
      : [`X-SES-MESSAGE-TAGS: ${mail.tags.map(({ Name, Value }) => `${Name}=${Value}`).join(', ')}`]),
  ]
  return [...headers, '', mail.text ?? 'Hi there', ''].join('\n')
}

/** Lines of text that are longer than `limit` octets together. */
export function textOver(limit: number): string {
  return `${'0123456789'.repeat(7)}\n`.repeat(limit / 71 + 1)
}

/** Everybody who gets it. */
export function recipientsOf({ to, cc = [], bcc = [] }: Mail): readonly string[] {
  return [...to, ...cc, ...bcc]
}

export function octets(text: string): Octets {
  return { $octets: Buffer.from(text).toString('base64') }
}

function list(name: string, addresses: readonly string[] | undefined): string[] {
  return addresses === undefined || addresses.length === 0 ? [] : [`${name}: ${addresses.join(',\n ')}`]
}

function destination({ to, cc, bcc }: Mail) {
  return {
    ToAddresses: to,
    ...(cc === undefined ? {} : { CcAddresses: cc }),
    ...(bcc === undefined ? {} : { BccAddresses: bcc }),
  }
}

function subject({ subject: text = 'Hello' }: Mail): string {
  return text
}

function body({ text, html }: Mail) {
  return {
    ...(text === undefined && html !== undefined ? {} : { Text: { Data: text ?? 'Hi there' } }),
    ...(html === undefined ? {} : { Html: { Data: html } }),
  }
}
