/** What SES refuses in a message that it is asked to compose: addresses, shape, custom headers, attachments, size. */
import { after as afterAll, before as beforeAll, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  type Attachment,
  type MessageHeader,
  SendEmailCommand as SendEmailV2Command,
  type SendEmailCommandInput,
} from '@aws-sdk/client-sesv2'
import { defaultConfig } from '../src/config/load.ts'
import { startWithSender } from './support/admin.ts'
import type { TestApp } from './support/app.ts'
import { INVALID, type Kind, NOT_FOUND, refusalAs, REJECTED } from './support/kinds.ts'
import { FRIEND, type Mail, refusalOf, SENDER, sendThrough, type Surface } from './support/surfaces.ts'

let app: TestApp
beforeAll(async () => {
  app = await startWithSender()
})
afterAll(async () => {
  await using server = app
  assert.deepEqual(await server.services.store.messages.list({}, { limit: 1 }), [], 'a refused mail was stored')
})

const NOT_VERIFIED = 'Email address is not verified. The following identities failed the check in region US-EAST-1: '
const LONG_NAME = 'n'.repeat(310)

const ADDRESSES: readonly (readonly [what: string, address: string, text: string])[] = [
  ['nothing at all', '', 'Illegal address'],
  ['without an @', 'ann', "Missing final '@domain'"],
  ['with nothing behind the @', 'ann@', 'Missing domain'],
  ['with nothing before the @', '@example.com', 'Missing local name'],
  ['with a blank before the @', 'ann smith@example.com', 'Local address contains control or whitespace'],
  ['with a NUL before the @', 'a\0nn@example.com', 'Local address contains control or whitespace'],
  ['that is not ASCII before the @', 'änn@example.com', 'Local address contains control or whitespace'],
  ['with a blank in its domain', 'ann@exam ple.com', 'Domain contains control or whitespace'],
  ['whose domain is not Punycode', 'ann@bücher.example', 'Domain contains control or whitespace'],
  ['with an underscore in its domain', 'ann@exam_ple.com', 'Domain contains illegal character'],
  ['with two dots in its domain', 'ann@example..com', 'Domain contains dot-dot'],
  ['with a dot at its end', 'ann@example.com.', 'Domain ends with dot'],
  ['with a comma in a name without quotes', 'Smith, Ann <ann@example.com>', 'Illegal address'],
  ['with an open quote', '"Ann <ann@example.com>', `Missing '"'`],
  ['with an open bracket', 'Ann <ann@example.com', "Missing '>'"],
  ['with two brackets', 'Ann <ann@example.com> <bob@example.com>', 'Extra route-addr'],
  ['with a line end in a quoted local part', '"a\r\nb"@example.com', 'Invalid email address<"a\r\nb"@example.com>.'],
  [
    'over 320 characters',
    `${LONG_NAME} <ann@example.com>`,
    `Address length is more than 320 characters long: '${LONG_NAME} <ann@example.com>'.`,
  ],
]

const FIELDS: readonly (readonly [field: string, mail: (address: string) => Mail, surfaces: readonly Surface[]])[] = [
  ['the sender', (from) => ({ from }), ['v1', 'v2', 'v1 by sdk 2', 'v2 by sdk 2']],
  ['To', (to) => ({ to: [FRIEND, to] }), ['v1', 'v2', 'v1 by sdk 2', 'v2 by sdk 2']],
  ['Cc', (cc) => ({ cc: [cc] }), ['v1', 'v2', 'v1 by sdk 2', 'v2 by sdk 2']],
  ['Bcc', (bcc) => ({ bcc: [bcc] }), ['v1', 'v2', 'v1 by sdk 2', 'v2 by sdk 2']],
  ['the return path', (returnPath) => ({ returnPath }), ['v1', 'v2', 'v1 by sdk 2', 'v2 by sdk 2']],
  // Our helper's older SDK has no Reply-To.
  ['Reply-To', (replyTo) => ({ replyTo: [replyTo] }), ['v1', 'v2']],
]

describe('a formatted message is refused for an address', () => {
  for (const [what, address, text] of ADDRESSES) {
    test(`${what}, in every field`, async () => {
      for (const [field, mailWith, surfaces] of FIELDS) {
        for (const surface of surfaces) {
          const verdict = await sendThrough(surface, app, mailWith(address))
          const api = surface.startsWith('v1') ? 'v1' : 'v2'
          assert.ok('refusal' in verdict, `${surface}, ${field}`)
          // XML readers make one line feed of CR and LF (XML 1.0 §2.11).
          const told = { ...verdict.refusal, message: lines(verdict.refusal.message) }
          assert.deepEqual(told, refusalAs(INVALID, api, lines(text)), `${surface}, ${field}`)
        }
      }
    })
  }

  test('field by field: sender, To, Cc, Bcc, return path, Reply-To', async () => {
    const bad: readonly (readonly [keyof Mail, string, string])[] = [
      ['from', 'ann', "Missing final '@domain'"],
      ['to', 'ann@', 'Missing domain'],
      ['cc', '@example.com', 'Missing local name'],
      ['bcc', 'a b@example.com', 'Local address contains control or whitespace'],
      ['returnPath', 'ann@exam_ple.com', 'Domain contains illegal character'],
      ['replyTo', 'Ann <ann@example.com', "Missing '>'"],
    ]
    for (const [first, [, , text]] of bad.entries()) {
      const mail = Object.fromEntries(
        bad.slice(first).map(([field, value]) => [field, /^(?:from|returnPath)$/.test(field) ? value : [value]]),
      ) as Mail
      for (const surface of ['v1', 'v2'] as const) {
        assert.deepEqual(await sendThrough(surface, app, mail), { refusal: refusalAs(INVALID, surface, text) })
      }
    }
  })

  test('but not one by one where there are far too many of them', async () => {
    const to = Array.from({ length: 50 * 20 + 1 }, () => 'ann')
    for (const surface of ['v1', 'v2'] as const) {
      const verdict = await sendThrough(surface, app, { to })
      assert.deepEqual(verdict, { refusal: refusalAs(INVALID, surface, 'Recipient count exceeds 50.') })
    }
  })

  test('before its length, and that before tags and identities', async () => {
    const long = `${LONG_NAME} <ann@example.com>`
    const stranger = 'stranger@nowhere.example'
    for (const [mail, message] of [
      [{ from: stranger, to: [long], replyTo: ['ann'], tags: [['', '']] }, "Missing final '@domain'"],
      [{ from: stranger, to: [long], tags: [['', '']] }, /^Address length is more/],
      [{ from: stranger, tags: [['', '']] }, 'The tag name must be specified.'],
      [{ from: stranger, returnPath: 'other@nowhere.example' }, `${NOT_VERIFIED}${stranger}, other@nowhere.example`],
    ] as const) {
      for (const surface of ['v1', 'v2'] as const) {
        const verdict = await sendThrough(surface, app, mail)
        assert.ok('refusal' in verdict)
        if (typeof message === 'string') assert.equal(verdict.refusal.message, message)
        else assert.match(verdict.refusal.message, message)
      }
    }
  })
})

type Request = Partial<SendEmailCommandInput>
type Shape = readonly [what: string, request: Request, text: string | null, kind?: Kind]

const SUBJECT = { Data: 'Hello' }
const BODY = { Text: { Data: 'Hi there' } }
const RAW = { Data: Buffer.from(`From: ${SENDER}\r\nTo: ${FRIEND}\r\n\r\nHi\r\n`) }

function withHeaders(...Headers: readonly Partial<MessageHeader>[]): Request {
  return { Content: { Simple: { Subject: SUBJECT, Body: BODY, Headers: Headers as MessageHeader[] } } }
}

function withAttachment(attachment: Partial<Attachment>): Request {
  const whole = { RawContent: Buffer.from('x'), FileName: 'a.txt', ...attachment }
  return { Content: { Simple: { Subject: SUBJECT, Body: BODY, Attachments: [whole] } } }
}

function violated(path: string, constraint: string): string {
  return `1 validation error detected: Value at '${path}' failed to satisfy constraint: ${constraint}`
}

const SHAPES: readonly Shape[] = [
  ['no content', { Content: undefined }, violated('content', 'Member must not be null')],
  ['content of no kind', { Content: {} }, 'Content must have exactly one of Simple, Raw and Template.'],
  [
    'content of two kinds',
    { Content: { Raw: RAW, Simple: { Subject: SUBJECT, Body: BODY } } },
    'Content must have exactly one of Simple, Raw and Template.',
  ],
  [
    'no subject',
    { Content: { Simple: { Subject: undefined, Body: BODY } } },
    violated('content.simple.subject', 'Member must not be null'),
  ],
  [
    'no body',
    { Content: { Simple: { Subject: SUBJECT, Body: undefined } } },
    violated('content.simple.body', 'Member must not be null'),
  ],
  ['no sender', { FromEmailAddress: undefined }, null],
  ['no destination', { Destination: undefined }, "Missing required header 'To'."],
  ['a destination without anybody', { Destination: { ToAddresses: [] } }, "Missing required header 'To'."],
  [
    'a charset that nobody knows',
    { Content: { Simple: { Subject: { Data: 'x', Charset: 'x-none' }, Body: BODY } } },
    'Invalid charset <x-none>.',
  ],
  ['a tenant that is not there', { TenantName: 'acme' }, tenant('acme'), NOT_FOUND],
  [
    'a contact list that is not there',
    { ListManagementOptions: { ContactListName: 'news' } },
    "List with name: news doesn't exist.",
    NOT_FOUND,
  ],
  ['an ARN that is none', { FromEmailAddressIdentityArn: 'example.com' }, 'Invalid ARN <example.com>.'],
  [
    'a feedback ARN that is none',
    { FeedbackForwardingEmailAddress: SENDER, FeedbackForwardingEmailAddressIdentityArn: 'arn:aws:s3:::a' },
    'Invalid ARN <arn:aws:s3:::a>.',
  ],
  [
    'a header without a name',
    withHeaders({ Name: 'X-A', Value: 'a' }, { Value: 'b' }),
    violated('content.simple.headers.2.member.name', 'Member must not be null'),
  ],
  [
    'a header without a value',
    withHeaders({ Name: 'X-A' }),
    violated('content.simple.headers.1.member.value', 'Member must not be null'),
  ],
  ['a header with a blank name', withHeaders({ Name: ' ', Value: 'a' }), 'The header name must be specified.'],
  ['a header that SES writes', withHeaders({ Name: 'Subject', Value: 'a' }), "Illegal header 'Subject'."],
  [
    'a header that may stand once only, twice',
    withHeaders({ Name: 'References', Value: '<a@b>' }, { Name: 'references', Value: '<c@d>' }),
    "Duplicate header 'references'.",
  ],
  [
    'a header value with a line end',
    withHeaders({ Name: 'X-A', Value: 'a\r\nBcc: b@example.org' }),
    violated('content.simple.headers.1.member.value', 'Member must satisfy regular expression pattern: [ -~]*'),
  ],
  [
    'a header name and value over 996 characters together',
    withHeaders({ Name: 'X-A', Value: 'a'.repeat(994) }),
    'Header name and value cannot exceed 996 characters.',
  ],
  [
    'over 15 headers',
    withHeaders(...Array.from({ length: 16 }, (_, n) => ({ Name: `X-${n}`, Value: 'a' }))),
    violated('content.simple.headers', 'Member must have length less than or equal to 15'),
  ],
  [
    'a Sender header that is not verified',
    withHeaders({ Name: 'Sender', Value: 'Office <office@nowhere.example>' }),
    `${NOT_VERIFIED}Office <office@nowhere.example>`,
    REJECTED,
  ],
  [
    'an attachment without a name',
    withAttachment({ FileName: undefined }),
    violated('content.simple.attachments.1.member.fileName', 'Member must not be null'),
  ],
  [
    'an attachment without content',
    withAttachment({ RawContent: undefined }),
    violated('content.simple.attachments.1.member.rawContent', 'Member must not be null'),
  ],
  ...['/', '\\', ':', '*', '?', '"', '<', '>', '|'].map((sign): Shape => [
    `an attachment with ${sign} in its name`,
    withAttachment({ FileName: `a${sign}b.txt` }),
    `Invalid attachment file name <a${sign}b.txt>: control characters and / \\ : * ? " < > | are not allowed.`,
  ]),
  [
    'an attachment without an extension',
    withAttachment({ FileName: 'README' }),
    'Invalid attachment file name <README>: a file extension is required.',
  ],
  [
    'an attachment of a forbidden type',
    withAttachment({ FileName: 'run.ps1' }),
    'Message contains an attachment of a type that is not allowed: .ps1',
    REJECTED,
  ],
]

function tenant(name: string): string {
  return `Tenant ${name} for AwsAccountId 000000000000 not found.`
}

describe('v2 SendEmail with simple content is refused for', () => {
  for (const [what, request, text, kind = INVALID] of SHAPES) {
    test(what, async () => {
      const [code, status] = kind.v2
      const refusal = await refusalOfV2(request)
      // A null message, which the SDK shows as one of its own.
      if (text === null) assert.deepEqual([refusal.code, refusal.status], [code, status])
      else assert.deepEqual(refusal, { code, status, message: text })
    })
  }
})

test('a formatted message is refused for its size as a message, transfer encodings included', async () => {
  const { limits } = defaultConfig('local')
  assert.deepEqual([limits.v1MessageBytes, limits.messageBytes], [10_485_760, 41_943_040])
  const [v1MessageBytes, messageBytes] = [10_000, 40_000]
  await using small = await startWithSender({ config: { limits: { ...limits, v1MessageBytes, messageBytes } } })
  for (const [surface, limit] of [
    ['v1', v1MessageBytes],
    ['v1 by sdk 2', v1MessageBytes],
    ['v2', messageBytes],
    ['v2 by sdk 2', messageBytes],
  ] as const) {
    // Non-ASCII in a text without a charset is one `?` each; lines are short, so that it goes out as it is.
    const text = 'é'
      .repeat(49)
      .concat('\n')
      .repeat(limit / 50)
    const verdict = await sendThrough(surface, small, { text })
    assert.ok('refusal' in verdict, `${surface} accepted it`)
    const size = Number(/(\d+)'\.$/.exec(verdict.refusal.message)?.[1])
    assert.ok(size > limit, verdict.refusal.message)
    const words = `Message length is more than ${limit} bytes long: '${size}'.`
    assert.deepEqual(verdict.refusal, refusalAs(INVALID, surface.startsWith('v1') ? 'v1' : 'v2', words))
    assert.ok('messageId' in (await sendThrough(surface, small, { text: text.slice(0, limit * 0.9) })), surface)
  }
})

async function refusalOfV2(request: Request) {
  const whole = {
    FromEmailAddress: SENDER,
    Destination: { ToAddresses: [FRIEND] },
    Content: { Simple: { Subject: SUBJECT, Body: BODY } },
    ...request,
  }
  return await app.sesv2.send(new SendEmailV2Command(whole)).then(() => assert.fail('v2 accepted it'), refusalOf)
}

function lines(text: string): string {
  return text.replaceAll('\r\n', '\n')
}
