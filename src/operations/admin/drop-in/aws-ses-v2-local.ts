/** The routes of aws-ses-v2-local, for suites written against it: its store of mail, in its shape. */
import type { Services } from '../../../domain/context.ts'
import { contentOf, rawOf, sentMessages, type Content } from '../../../domain/reading.ts'
import { wordIn } from '../request.ts'
import type { Route, RouteReply } from '../route.ts'
import { destinationOf, type Stored } from './sent.ts'

export function awsSesV2LocalRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/health-check',
      access: 'controls',
      handle: async () => ({ status: 200 }),
    },
    {
      method: 'GET',
      path: '/store',
      access: 'controls',
      handle: async ({ query }) => await store(services, query.getAll('since')),
    },
    {
      method: 'POST',
      path: '/clear-store',
      access: 'controls',
      async handle() {
        await services.store.messages.clear(undefined)
        return { status: 200, body: { message: 'Store cleared' } }
      },
    },
    {
      method: 'GET',
      path: '/get-emlContent',
      access: 'controls',
      handle: async ({ query }) => await emlContent(services, wordIn(query, 'messageId')),
    },
  ]
}

/** `?since`: seconds since the epoch; only mail of that second or later. */
async function store(services: Services, since: readonly string[]): Promise<RouteReply> {
  const [from = '', another] = since
  if (another !== undefined) return bad('Bad since query param, expected single value')
  if (from !== '' && !/^(?:0|-?[1-9]\d{0,14})$/.test(from)) {
    return bad('Bad since query param, expected integer representing epoch timestamp in seconds')
  }
  const emails: object[] = []
  for (const stored of await sentMessages(services, from === '' ? undefined : Number(from) * 1000)) {
    emails.push(await emailOf(services, stored))
  }
  return { status: 200, body: { templates: {}, emails } }
}

async function emlContent(services: Services, messageId: string | undefined): Promise<RouteReply> {
  if (messageId === undefined) return bad('Bad since query param, expected single value')
  const stored = await services.store.messages.find(messageId)
  if (stored === undefined) return bad('Email not found within the store')
  const body = Buffer.from(await rawOf(services, stored)).toJSON()
  return { status: 200, body: { messageId, fileName: stored.message.commonHeaders.subject ?? NO_SUBJECT, body } }
}

function bad(message: string): RouteReply {
  return { status: 400, body: { message } }
}

const NO_SUBJECT = '(no subject)'

async function emailOf(services: Services, stored: Stored): Promise<object> {
  const { message } = stored
  const content = await contentOf(services, stored)
  const { html, text } = content
  return {
    messageId: message.id,
    ...(stored.message.isRaw ? await rawEnvelope(services, stored, content) : await givenEnvelope(services, stored)),
    body: {
      ...(html === null ? {} : { html }),
      ...(text === null ? {} : { text }),
    },
    attachments: content.attachments.map((attachment) => ({
      content: Buffer.from(attachment.content).toString('base64'),
      contentType: attachment.contentType,
      ...(attachment.disposition === null ? {} : { contentDisposition: attachment.disposition }),
      ...(attachment.contentId === null ? {} : { contentId: attachment.contentId }),
      ...(attachment.filename === null ? {} : { filename: attachment.filename }),
      size: attachment.size,
    })),
    at: Math.floor(message.acceptedAt / 1000),
  }
}

/** What the caller gave beside the content, letter for letter. */
async function givenEnvelope(services: Services, stored: Stored): Promise<object> {
  const { message } = stored
  const own = message.headers.filter(({ name }) => !COMPOSED.has(name.toLowerCase()))
  return {
    from: message.source,
    replyTo: message.commonHeaders.replyTo ?? [],
    destination: await destinationOf(services, stored),
    subject: message.commonHeaders.subject ?? '',
    ...(own.length > 0 ? { headers: own.map(({ name, value }) => ({ name, value })) } : {}),
  }
}

const COMPOSED: ReadonlySet<string> = new Set([
  'from',
  'to',
  'cc',
  'reply-to',
  'subject',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
])

/** Of a message that the caller composed, one text for each header, as mailparser writes lists of addresses. */
async function rawEnvelope(services: Services, stored: Stored, { from, to, cc, replyTo }: Content): Promise<object> {
  const { bcc } = await destinationOf(services, stored)
  return {
    from: from === null ? stored.message.source : addressText([from]),
    replyTo: listOf(replyTo),
    destination: { to: listOf(to), cc: listOf(cc), bcc: bcc.length > 0 ? [bcc.join(', ')] : [] },
    subject: stored.message.commonHeaders.subject ?? NO_SUBJECT,
  }
}

type Addresses = Content['to']

function listOf(addresses: Addresses): readonly string[] {
  const text = addressText(addresses)
  return text === '' ? [] : [text]
}

function addressText(addresses: Addresses): string {
  return addresses.map(({ name, address }) => (name ? `"${name}" <${address}>` : address)).join(', ')
}
