/** The same mail through each door of SES, and what a client makes of a refusal. */
import { SendEmailCommand, SendRawEmailCommand } from '@aws-sdk/client-ses'
import { SendEmailCommand as SendEmailV2Command } from '@aws-sdk/client-sesv2'
import { createTransport } from 'nodemailer'
import { type Clients, TEST_KEY, type TestApp } from './app.ts'

export type Mail = {
  readonly from?: string
  readonly to?: readonly string[]
  readonly cc?: readonly string[]
  readonly bcc?: readonly string[]
  readonly subject?: string
  readonly text?: string
  readonly returnPath?: string
  readonly replyTo?: readonly string[]
  readonly configurationSet?: string
  readonly tags?: readonly (readonly [name: string, value: string])[]
}

/** `status`: HTTP's, or the reply code of SMTP. */
export type Refusal = { readonly code: string; readonly status: number; readonly message: string }
export type Verdict = { readonly messageId: string } | { readonly refusal: Refusal }

/** The doors of SES, each with the client that knocks: AWS's SDK 3, its older SDK 2, and nodemailer's two transports. */
export const SURFACES = [
  'v1',
  'v1 raw',
  'v2',
  'v2 raw',
  'v1 by sdk 2',
  'v2 by sdk 2',
  'v2 raw by nodemailer',
  'smtp',
] as const
export type Surface = (typeof SURFACES)[number]

export const SENDER = 'sender@example.com'
export const FRIEND = 'friend@example.org'

/** Sends through a door; never throws for what the server answers. */
export async function sendThrough(
  surface: Surface,
  app: TestApp,
  mail: Mail,
  clients: Clients = app,
): Promise<Verdict> {
  try {
    return {
      messageId: await WAYS[surface](
        app,
        { from: SENDER, to: [FRIEND], subject: 'Hello', text: 'Hi there', ...mail },
        clients,
      ),
    }
  } catch (error) {
    return { refusal: refusalOf(error) }
  }
}

type Full = Mail & Required<Pick<Mail, 'from' | 'to' | 'subject' | 'text'>>

const WAYS: Record<Surface, (app: TestApp, mail: Full, clients: Clients) => Promise<string>> = {
  async v1(_app, mail, { ses }) {
    const { MessageId } = await ses.send(
      new SendEmailCommand({
        Source: mail.from,
        Destination: destination(mail),
        Message: { Subject: { Data: mail.subject }, Body: { Text: { Data: mail.text } } },
        ReturnPath: mail.returnPath,
        ReplyToAddresses: mail.replyTo && [...mail.replyTo],
        ConfigurationSetName: mail.configurationSet,
        Tags: tags(mail),
      }),
    )
    return MessageId!
  },
  async 'v1 raw'(_app, mail, { ses }) {
    const { MessageId } = await ses.send(
      new SendRawEmailCommand({
        Source: mail.returnPath ?? mail.from,
        Destinations: [...mail.to, ...(mail.cc ?? []), ...(mail.bcc ?? [])],
        RawMessage: { Data: Buffer.from(rawMail(mail)) },
        ConfigurationSetName: mail.configurationSet,
        Tags: tags(mail),
      }),
    )
    return MessageId!
  },
  async v2(_app, mail, { sesv2 }) {
    const { MessageId } = await sesv2.send(
      new SendEmailV2Command({
        FromEmailAddress: mail.from,
        Destination: destination(mail),
        Content: { Simple: { Subject: { Data: mail.subject }, Body: { Text: { Data: mail.text } } } },
        FeedbackForwardingEmailAddress: mail.returnPath,
        ReplyToAddresses: mail.replyTo && [...mail.replyTo],
        ConfigurationSetName: mail.configurationSet,
        EmailTags: tags(mail),
      }),
    )
    return MessageId!
  },
  async 'v2 raw'(_app, mail, { sesv2 }) {
    const { MessageId } = await sesv2.send(
      new SendEmailV2Command({
        Destination: destination(mail),
        Content: { Raw: { Data: Buffer.from(rawMail(mail)) } },
        FeedbackForwardingEmailAddress: mail.returnPath,
        ConfigurationSetName: mail.configurationSet,
        EmailTags: tags(mail),
      }),
    )
    return MessageId!
  },
  async 'v1 by sdk 2'(app, mail) {
    const { MessageId } = await new (await sdk2()).SES(sdk2Options(app))
      .sendEmail({
        Source: mail.from,
        Destination: sdk2Destination(mail),
        Message: { Subject: { Data: mail.subject }, Body: { Text: { Data: mail.text } } },
        ...(mail.returnPath === undefined ? {} : { ReturnPath: mail.returnPath }),
        ...(mail.configurationSet === undefined ? {} : { ConfigurationSetName: mail.configurationSet }),
        Tags: tags(mail) ?? [],
      })
      .promise()
    return MessageId
  },
  async 'v2 by sdk 2'(app, mail) {
    const { MessageId } = await new (await sdk2()).SESV2(sdk2Options(app))
      .sendEmail({
        FromEmailAddress: mail.from,
        Destination: sdk2Destination(mail),
        Content: { Simple: { Subject: { Data: mail.subject }, Body: { Text: { Data: mail.text } } } },
        ...(mail.returnPath === undefined ? {} : { FeedbackForwardingEmailAddress: mail.returnPath }),
        ...(mail.configurationSet === undefined ? {} : { ConfigurationSetName: mail.configurationSet }),
        EmailTags: tags(mail) ?? [],
      })
      .promise()
    return MessageId!
  },
  async 'v2 raw by nodemailer'(_app, mail, { sesv2 }) {
    const transport = createTransport({ SES: { sesClient: sesv2, SendEmailCommand: SendEmailV2Command } })
    const sent = await transport.sendMail({
      envelope: { from: mail.returnPath ?? mail.from, to: [...mail.to, ...(mail.cc ?? []), ...(mail.bcc ?? [])] },
      from: mail.from,
      to: [...mail.to],
      subject: mail.subject,
      text: mail.text,
      ses: {
        ...(mail.configurationSet === undefined ? {} : { ConfigurationSetName: mail.configurationSet }),
        ...(mail.tags === undefined ? {} : { EmailTags: tags(mail) }),
      },
    })
    return sent.response
  },
  async smtp(app, mail) {
    const transport = app.smtp()
    try {
      const sent = await transport.sendMail({
        envelope: { from: mail.returnPath ?? mail.from, to: [...mail.to, ...(mail.cc ?? []), ...(mail.bcc ?? [])] },
        raw: rawMail(mail),
      })
      return sent.response.replace(/^250 Ok /, '')
    } finally {
      transport.close()
    }
  },
}

/** The mail as text, with the X-SES headers that SMTP clients have for the parameters of the API. */
export function rawMail(mail: Full): string {
  const lines = [
    `From: ${mail.from}`,
    `To: ${mail.to.join(',\r\n ')}`,
    ...(mail.cc ? [`Cc: ${mail.cc.join(', ')}`] : []),
    `Subject: ${mail.subject}`,
    ...(mail.configurationSet === undefined ? [] : [`X-SES-CONFIGURATION-SET: ${mail.configurationSet}`]),
    ...(mail.tags === undefined
      ? []
      : [`X-SES-MESSAGE-TAGS: ${mail.tags.map(([name, value]) => `${name}=${value}`).join(', ')}`]),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    mail.text,
    '',
  ]
  return lines.join('\r\n')
}

function destination(mail: Full) {
  return { ToAddresses: [...mail.to], CcAddresses: mail.cc && [...mail.cc], BccAddresses: mail.bcc && [...mail.bcc] }
}

/** AWS's older SDK, loaded when first used: it takes a fifth of a second, and most tests do without. */
export async function sdk2() {
  return (await import('aws-sdk')).default
}

export function sdk2Options({ url }: TestApp): {
  endpoint: string
  region: string
  credentials: { accessKeyId: string; secretAccessKey: string }
  maxRetries: number
} {
  return { endpoint: url, region: 'us-east-1', credentials: TEST_KEY, maxRetries: 0 }
}

function sdk2Destination({ to, cc = [], bcc = [] }: Full) {
  return { ToAddresses: [...to], CcAddresses: [...cc], BccAddresses: [...bcc] }
}

function tags(mail: Mail) {
  return mail.tags?.map(([Name, Value]) => ({ Name, Value }))
}

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Error)) throw error
  if ('responseCode' in error && 'response' in error) {
    const response = String(error.response)
    return { code: String(error.responseCode), status: Number(error.responseCode), message: response.slice(4) }
  }
  // The older SDK has code and status on the error itself.
  if ('statusCode' in error && 'code' in error) {
    return { code: String(error.code), status: Number(error.statusCode), message: error.message }
  }
  if ('$metadata' in error) {
    const { httpStatusCode = 0 } = error.$metadata as { httpStatusCode?: number }
    return { code: error.name, status: httpStatusCode, message: error.message }
  }
  throw error
}
