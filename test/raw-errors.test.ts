/** What SES refuses in a message that the caller composed, through every door that takes one. */
import { after as afterAll, before as beforeAll, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { SendRawEmailCommand } from '@aws-sdk/client-ses'
import { SendEmailCommand } from '@aws-sdk/client-sesv2'
import { defaultConfig } from '../src/config/load.ts'
import { startWithSender } from './support/admin.ts'
import type { TestApp } from './support/app.ts'
import { INVALID, type Kind, NOT_FOUND, refusalAs, REJECTED, TOO_LONG } from './support/kinds.ts'
import { type Envelope, RAW_SURFACES, type RawSurface, sendRawThrough } from './support/raw-surfaces.ts'
import { FRIEND, SENDER } from './support/surfaces.ts'

type Case = {
  readonly name: string
  /** Header lines after From, To and Subject, or the whole header section. */
  readonly more?: string
  readonly headers?: string
  readonly body?: string
  readonly envelope?: Envelope
  readonly kind?: Kind
  readonly text: string
  /** Doors at which it does not come about. */
  readonly not?: (door: (typeof RAW_SURFACES)[number]) => boolean
}

const NOT_VERIFIED = 'Email address is not verified. The following identities failed the check in region US-EAST-1: '
const LONG_NAME = 'n'.repeat(310)
const TOO_LONG_ADDRESS = `Address length is more than 320 characters long: '${LONG_NAME} <long@example.com>'.`

const CASES: readonly Case[] = [
  { name: 'two subjects', more: 'Subject: again', text: "Duplicate header 'Subject'." },
  { name: 'two From headers', more: `From: ${SENDER}`, text: "Duplicate header 'From'." },
  { name: 'the second of two headers in another case', more: 'SUBJECT: again', text: "Duplicate header 'SUBJECT'." },
  { name: 'a header without a name', more: ': nameless', text: 'Empty header names are illegal.' },
  { name: 'a header that SES does not take', more: 'Old-Return-Path: a@b', text: "Illegal header 'Old-Return-Path'." },
  {
    name: 'a header section of over 256 kB',
    more: Array.from({ length: 300 }, (_, n) => `X-${n}: ${'x'.repeat(900)}`).join('\n'),
    text: 'Header section too long.',
  },
  {
    name: 'a multipart without its first boundary',
    more: 'Content-Type: multipart/mixed; boundary=x',
    text: 'Missing start boundary',
  },
  { name: 'a disposition that is none', more: 'Content-Disposition: =x', text: 'Expected disposition, got =' },
  {
    name: 'an attachment of a forbidden type',
    more: 'Content-Disposition: attachment; filename="Setup.EXE"',
    kind: REJECTED,
    text: 'Message contains an attachment of a type that is not allowed: .exe',
  },
  {
    name: 'no From header, and no sender beside the message (SMTP asks for one all the same)',
    headers: `To: ${FRIEND}\nSubject: Hello`,
    text: "Missing required header 'From'.",
    not: ({ api, hasEnvelope }) => hasEnvelope && api !== 'smtp',
  },
  {
    name: 'a From header without a value',
    headers: `From:\nTo: ${FRIEND}`,
    text: "Empty required header 'From'.",
  },
  { name: 'a From header without a domain', headers: `From: shop\nTo: ${FRIEND}`, text: "Missing final '@domain'" },
  {
    name: 'no recipients at all',
    headers: `From: ${SENDER}\nSubject: Hello`,
    text: "Missing required header 'To'.",
    not: ({ hasEnvelope }) => hasEnvelope,
  },
  { name: 'a To header without a value', headers: `From: ${SENDER}\nTo:`, text: "Empty required header 'To'." },
  {
    name: 'a To header with a bad address, whoever the envelope names',
    headers: `From: ${SENDER}\nTo: ${FRIEND}, friend`,
    text: "Missing final '@domain'",
  },
  {
    name: 'a Return-Path header with a bad address',
    more: 'Return-Path: <bounces@>',
    text: 'Missing domain',
  },
  {
    name: 'a From header with an address over 320 characters',
    headers: `From: ${LONG_NAME} <long@example.com>\nTo: ${FRIEND}`,
    text: TOO_LONG_ADDRESS,
  },
  ...['To', 'Cc', 'Bcc', 'Reply-To', 'Return-Path'].map((name): Case => {
    const to = name === 'To' ? '' : `To: ${FRIEND}\n`
    return {
      name: `a ${name} header with an address over 320 characters, whoever the envelope names`,
      headers: `From: ${SENDER}\n${to}${name}: ${LONG_NAME} <long@example.com>`,
      text: TOO_LONG_ADDRESS,
    }
  }),
  {
    name: 'over 50 recipients in the headers',
    headers: `From: ${SENDER}\nTo: ${Array.from({ length: 51 }, (_, n) => `f${n}@example.org`).join(',\n ')}`,
    text: 'Recipient count exceeds 50.',
    not: ({ hasEnvelope }) => hasEnvelope,
  },
  {
    name: 'over 50 recipients in the envelope',
    envelope: { to: Array.from({ length: 51 }, (_, n) => `f${n}@example.org`) },
    text: 'Recipient count exceeds 50.',
    not: ({ hasEnvelope }) => !hasEnvelope,
  },
  {
    name: 'From, Sender and Return-Path that are not verified, in this order and as they were written',
    headers: `From: Ann <ann@a.example>, bob@b.example\nSender: Office <office@c.example>\nReturn-Path: <bounces@d.example>\nReply-To: anybody@e.example\nTo: ${FRIEND}`,
    kind: REJECTED,
    text: `${NOT_VERIFIED}Ann <ann@a.example>, bob@b.example, Office <office@c.example>, bounces@d.example`,
  },
  {
    name: 'more identities that are not verified than can be shown',
    headers: `From: ${Array.from({ length: 99 }, (_, n) => `person${n}@nowhere.example`).join(',\n ')}\nTo: ${FRIEND}`,
    kind: REJECTED,
    text: `${NOT_VERIFIED}${Array.from({ length: 38 }, (_, n) => `person${n}@nowhere.example`).join(', ')}...`,
  },
  {
    name: 'a source that is not verified beside a From that is',
    envelope: { from: 'stranger@nowhere.example' },
    kind: REJECTED,
    text: `${NOT_VERIFIED}stranger@nowhere.example`,
    not: ({ hasEnvelope }) => !hasEnvelope,
  },
  {
    name: 'a configuration set named in a header that is not there',
    more: 'X-SES-CONFIGURATION-SET: missing',
    kind: { ...NOT_FOUND, v1: ['ConfigurationSetDoesNotExistException', 400] },
    text: 'Configuration set <missing> does not exist.',
  },
  {
    name: 'a bad tag in a header',
    more: 'X-SES-MESSAGE-TAGS: good=1, b:ad=2',
    text: "Invalid tag name <b:ad>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
  },
  {
    name: 'a tag in a header without a value',
    more: 'X-SES-MESSAGE-TAGS: campaign',
    text: 'The tag value must be specified.',
  },
  {
    name: 'a tenant that is not there',
    more: 'X-SES-TENANT: acme',
    kind: NOT_FOUND,
    text: 'Tenant acme for AwsAccountId 000000000000 not found.',
  },
  {
    name: 'a contact list that is not there',
    more: 'X-SES-LIST-MANAGEMENT-OPTIONS: news; topic=weekly',
    kind: NOT_FOUND,
    text: "List with name: news doesn't exist.",
  },
  { name: 'an ARN that is none', more: 'X-SES-SOURCE-ARN: example.com', text: 'Invalid ARN <example.com>.' },
]

let app: TestApp
beforeAll(async () => {
  app = await startWithSender()
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
})

function messageOf({ headers, more, body = 'Hi there' }: Case): string {
  const section = headers ?? `From: ${SENDER}\nTo: ${FRIEND}\nSubject: Hello${more === undefined ? '' : `\n${more}`}`
  return `${section}\n\n${body}\n`
}

/** The older SDK shows the code of the wire, the newer one the name of its exception. */
function shownBy(surface: RawSurface, code: string): string {
  return surface === 'v1 SendRawEmail by sdk 2' ? code.replace('DoesNotExistException', 'DoesNotExist') : code
}

describe('a raw message is refused for', () => {
  for (const each of CASES) {
    test(each.name, async () => {
      const before = await app.services.store.messages.list({}, { limit: 1 })
      for (const door of RAW_SURFACES.filter((one) => !each.not?.(one))) {
        const verdict = await sendRawThrough(door.name, app, messageOf(each), each.envelope)
        assert.ok('refusal' in verdict, `${door.name} accepted it`)
        const { code, ...rest } = refusalAs(each.kind ?? INVALID, door.api, each.text)
        assert.deepEqual(verdict.refusal, { code: shownBy(door.name, code), ...rest }, door.name)
      }
      const after = await app.services.store.messages.list({}, { limit: 1 })
      assert.deepEqual(after, before, 'a refused mail was stored')
    })
  }

  test('a From header that cannot be read, which v2 without FromEmailAddress says in words of its own', async () => {
    const message = `From: shop <${SENDER}\nTo: ${FRIEND}\n\nHi\n`
    for (const door of RAW_SURFACES) {
      const verdict = await sendRawThrough(door.name, app, message)
      const isOwn = door.api === 'v2' && !door.hasEnvelope
      const text = isOwn ? 'Invalid From address provided.' : "Missing '>'"
      assert.deepEqual(verdict, { refusal: refusalAs(INVALID, door.api, text) }, door.name)
    }
  })

  test('an octet more than its size may be, and not for one less', async () => {
    const { limits } = defaultConfig('local')
    // The real bounds are tried once, below; here small ones at every door.
    const [v1MessageBytes, messageBytes] = [10_000, 40_000]
    await using small = await startWithSender({ config: { limits: { ...limits, v1MessageBytes, messageBytes } } })
    for (const { name, api } of RAW_SURFACES) {
      const limit = api === 'v1' ? v1MessageBytes : messageBytes
      const full = messageOfSize(limit)
      const text = `Message length is more than ${limit} bytes long: '${limit + 1}'.`
      const verdict = await sendRawThrough(name, small, full.replace('x', 'xx'))
      assert.deepEqual(verdict, { refusal: refusalAs(TOO_LONG, api, text) }, name)
      const accepted = await sendRawThrough(name, small, full)
      assert.ok('messageId' in accepted, `${name}: ${JSON.stringify(accepted)}`)
    }
  })
})

/** Lines end with CRLF. */
function messageOfSize(octets: number): string {
  const head = `From: ${SENDER}\r\nTo: ${FRIEND}\r\n\r\n`
  const line = `${'x'.repeat(62)}\r\n`
  const lines = head + line.repeat(Math.floor((octets - head.length) / line.length) - 1)
  return `${lines}${'x'.repeat(octets - lines.length - 2)}\r\n`
}

describe('a raw message passes', () => {
  for (const [name, limit] of [
    ['v1 SendRawEmail', 10_485_760],
    ['v2 SendEmail Raw', 41_943_040],
  ] as const) {
    test(`${name}: with ${limit} octets`, async () => {
      const verdict = await sendRawThrough(name, app, messageOfSize(limit))
      assert.ok('messageId' in verdict, JSON.stringify(verdict))
    })
  }

  test('with an empty Return-Path, which names nobody', async () => {
    for (const door of RAW_SURFACES) {
      const verdict = await sendRawThrough(door.name, app, `From: ${SENDER}\nTo: ${FRIEND}\nReturn-Path: <>\n\nHi\n`)
      assert.ok('messageId' in verdict, `${door.name}: ${JSON.stringify(verdict)}`)
      const stored = await app.services.store.messages.find(verdict.messageId)
      assert.equal(stored?.message.feedbackAddress, SENDER)
    }
  })

  test('with a Reply-To that cannot be read and is not long', async () => {
    for (const door of RAW_SURFACES) {
      const verdict = await sendRawThrough(door.name, app, `From: ${SENDER}\nTo: ${FRIEND}\nReply-To: nobody\n\nHi\n`)
      assert.ok('messageId' in verdict, `${door.name}: ${JSON.stringify(verdict)}`)
    }
  })

  test('without a From where the call names its sender, and gets one', async () => {
    const message = `To: ${FRIEND}\r\nSubject: Hello\r\n\r\nHi\r\n`
    const ids = [
      await app.ses.send(
        new SendRawEmailCommand({ Source: SENDER, Destinations: [FRIEND], RawMessage: { Data: Buffer.from(message) } }),
      ),
      await app.sesv2.send(
        new SendEmailCommand({ FromEmailAddress: SENDER, Content: { Raw: { Data: Buffer.from(message) } } }),
      ),
    ]
    for (const { MessageId } of ids) {
      const reply = await fetch(`${app.url}/_sesame/messages/${MessageId}/raw`)
      assert.match(await reply.text(), new RegExp(`^From: ${SENDER}\r$`, 'm'))
    }
  })
})
