/** The same octets through each door that takes a whole message. */
import { SendRawEmailCommand } from '@aws-sdk/client-ses'
import { SendEmailCommand } from '@aws-sdk/client-sesv2'
import { createTransport } from 'nodemailer'
import type { TestApp } from './app.ts'
import { FRIEND, refusalOf, sdk2, sdk2Options, SENDER, type Verdict } from './surfaces.ts'

/** Beside the message: the envelope, for the doors that name one, and the ARNs of v1. */
export type Envelope = { readonly from?: string; readonly to?: readonly string[] }
type Full = Required<Envelope>

type Way = {
  readonly api: 'v1' | 'v2' | 'smtp'
  /** Whether sender and recipients are named beside the message, or read from its headers. */
  readonly hasEnvelope: boolean
  readonly send: (app: TestApp, data: Buffer, envelope: Full) => Promise<string>
}

const WAYS = {
  'v1 SendRawEmail': {
    api: 'v1',
    hasEnvelope: false,
    async send({ ses }, data) {
      const { MessageId } = await ses.send(new SendRawEmailCommand({ RawMessage: { Data: data } }))
      return MessageId!
    },
  },
  'v1 SendRawEmail with Source and Destinations': {
    api: 'v1',
    hasEnvelope: true,
    async send({ ses }, data, { from, to }) {
      const { MessageId } = await ses.send(
        new SendRawEmailCommand({ Source: from, Destinations: [...to], RawMessage: { Data: data } }),
      )
      return MessageId!
    },
  },
  'v1 SendRawEmail by sdk 2': {
    api: 'v1',
    hasEnvelope: false,
    async send(app, data) {
      const { MessageId } = await new (await sdk2()).SES(sdk2Options(app))
        .sendRawEmail({ RawMessage: { Data: data } })
        .promise()
      return MessageId
    },
  },
  'v2 SendEmail Raw': {
    api: 'v2',
    hasEnvelope: false,
    async send({ sesv2 }, data) {
      const { MessageId } = await sesv2.send(new SendEmailCommand({ Content: { Raw: { Data: data } } }))
      return MessageId!
    },
  },
  'v2 SendEmail Raw with FromEmailAddress and Destination': {
    api: 'v2',
    hasEnvelope: true,
    async send({ sesv2 }, data, { from, to }) {
      const { MessageId } = await sesv2.send(
        new SendEmailCommand({
          FromEmailAddress: from,
          Destination: { ToAddresses: [...to] },
          Content: { Raw: { Data: data } },
        }),
      )
      return MessageId!
    },
  },
  'v2 SendEmail Raw by sdk 2': {
    api: 'v2',
    hasEnvelope: false,
    async send(app, data) {
      const { MessageId } = await new (await sdk2()).SESV2(sdk2Options(app))
        .sendEmail({ Content: { Raw: { Data: data } } })
        .promise()
      return MessageId!
    },
  },
  "nodemailer's SES transport": {
    api: 'v2',
    hasEnvelope: true,
    async send({ sesv2 }, data, { from, to }) {
      const transport = createTransport({ SES: { sesClient: sesv2, SendEmailCommand } })
      return (await transport.sendMail({ envelope: { from, to: [...to] }, raw: data })).response
    },
  },
  smtp: {
    api: 'smtp',
    hasEnvelope: true,
    async send(app, data, { from, to }) {
      const transport = app.smtp()
      try {
        const { response } = await transport.sendMail({ envelope: { from, to: [...to] }, raw: data })
        return response.replace(/^250 Ok /, '')
      } finally {
        transport.close()
      }
    },
  },
} as const satisfies Record<string, Way>

export type RawSurface = keyof typeof WAYS
export const RAW_SURFACES = Object.entries(WAYS).map(([name, { api, hasEnvelope }]) => ({
  name: name as RawSurface,
  api,
  hasEnvelope,
}))

/** Sends a message as it is; lines end with CRLF. Never throws for what the server answers. */
export async function sendRawThrough(
  surface: RawSurface,
  app: TestApp,
  message: string,
  { from = SENDER, to = [FRIEND] }: Envelope = {},
): Promise<Verdict> {
  const data = Buffer.from(message.replaceAll(/\r?\n/g, '\r\n'))
  try {
    return { messageId: await WAYS[surface].send(app, data, { from, to }) }
  } catch (error) {
    return { refusal: refusalOf(error) }
  }
}
