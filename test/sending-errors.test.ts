/** Each of SES's sending errors through each door: code, status and words. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  CreateConfigurationSetCommand,
  UpdateAccountSendingEnabledCommand,
  UpdateConfigurationSetSendingEnabledCommand,
} from '@aws-sdk/client-ses'
import {
  CreateEmailIdentityCommand,
  PutEmailIdentityConfigurationSetAttributesCommand,
  PutEmailIdentityMailFromAttributesCommand,
} from '@aws-sdk/client-sesv2'
import { startApp, type AppOptions, type TestApp } from './support/app.ts'
import { INVALID, type Kind, refusalAs, REJECTED, THROTTLED } from './support/kinds.ts'
import { FRIEND, type Mail, type Refusal, SENDER, sendThrough, SURFACES, type Surface } from './support/surfaces.ts'

type Case = {
  readonly name: string
  readonly app?: AppOptions
  readonly arrange?: (app: TestApp) => Promise<unknown>
  readonly mail?: Mail
  readonly kind: Kind
  readonly text: string
  /** Doors that the case does not go through, and why is in the name of the case. */
  readonly not?: readonly Surface[]
}

const SCOPE = { account: '000000000000', region: 'us-east-1' }
const SANDBOX: AppOptions = { profile: 'strict', config: { autoVerify: true, requireTls: false } }

const CASES: readonly Case[] = [
  {
    name: 'an identity that is not verified, as the caller wrote it',
    mail: { from: 'Stranger <stranger@nowhere.example>' },
    kind: REJECTED,
    text: 'Email address is not verified. The following identities failed the check in region US-EAST-1: Stranger <stranger@nowhere.example>',
    // Over SMTP the bare MAIL FROM is an identity of its own: see the test below.
    not: ['smtp'],
  },
  {
    name: 'recipients that are not verified, in the sandbox',
    app: SANDBOX,
    mail: { to: [FRIEND, 'other@example.net'] },
    kind: REJECTED,
    text: `Email address is not verified. The following identities failed the check in region US-EAST-1: ${FRIEND}, other@example.net`,
  },
  {
    name: 'an account paused by AWS',
    arrange: (app) =>
      app.admin('PATCH', '/_sesame/accounts/000000000000/regions/us-east-1', { enforcementStatus: 'SHUTDOWN' }),
    kind: REJECTED,
    text: 'Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.',
  },
  {
    name: 'an account paused by its owner',
    arrange: (app) => app.ses.send(new UpdateAccountSendingEnabledCommand({ Enabled: false })),
    kind: {
      v1: ['AccountSendingPausedException', 400],
      v2: ['SendingPausedException', 400],
      smtp: [554, 'Message rejected: '],
    },
    text: 'Account sending is disabled.',
  },
  {
    name: 'a configuration set that does not exist',
    mail: { configurationSet: 'missing' },
    kind: {
      v1: ['ConfigurationSetDoesNotExistException', 400],
      v2: ['NotFoundException', 404],
      smtp: [554, 'Transaction failed: '],
    },
    text: 'Configuration set <missing> does not exist.',
  },
  {
    name: 'a configuration set that is paused',
    arrange: async ({ ses }) => {
      await ses.send(new CreateConfigurationSetCommand({ ConfigurationSet: { Name: 'paused' } }))
      await ses.send(
        new UpdateConfigurationSetSendingEnabledCommand({ ConfigurationSetName: 'paused', Enabled: false }),
      )
    },
    mail: { configurationSet: 'paused' },
    kind: {
      v1: ['ConfigurationSetSendingPausedException', 400],
      v2: ['SendingPausedException', 400],
      smtp: [554, 'Message rejected: '],
    },
    text: 'Sending is paused for configuration set paused',
  },
  {
    name: 'a default configuration set that is gone',
    arrange: async ({ sesv2, services }) => {
      await services.store.identities.patch(SCOPE, SENDER, { configurationSet: 'gone' })
      await assert.rejects(
        sesv2.send(
          new PutEmailIdentityConfigurationSetAttributesCommand({
            EmailIdentity: SENDER,
            ConfigurationSetName: 'nope',
          }),
        ),
        { name: 'NotFoundException' },
      )
    },
    kind: INVALID,
    text: 'Configuration set <gone> does not exist.',
  },
  {
    name: 'a MAIL FROM domain without its records, where mail is to be rejected then',
    app: { config: { autoVerify: false } },
    arrange: async (app) => {
      const { sesv2 } = app
      await sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
      const verified = await app.admin(
        'POST',
        '/_sesame/accounts/000000000000/regions/us-east-1/identities/example.com/verify',
      )
      assert.equal(verified.status, 200)
      await sesv2.send(
        new PutEmailIdentityMailFromAttributesCommand({
          EmailIdentity: 'example.com',
          MailFromDomain: 'bounce.example.com',
          BehaviorOnMxFailure: 'REJECT_MESSAGE',
        }),
      )
    },
    mail: { from: 'someone@example.com' },
    kind: {
      v1: ['MailFromDomainNotVerifiedException', 400],
      v2: ['MailFromDomainNotVerifiedException', 400],
      smtp: [554, 'MAIL FROM domain not verified: '],
    },
    text: 'DNS setup for MAIL FROM domain is invalid.',
  },
  {
    name: 'more than 50 recipients',
    mail: { to: Array.from({ length: 51 }, (_, n) => `friend${n}@example.org`) },
    kind: INVALID,
    text: 'Recipient count exceeds 50.',
  },
  {
    name: 'a daily quota that is used up',
    app: { config: { max24HourSend: 1 } },
    arrange: async (app) => assert.ok('messageId' in (await sendThrough('v1', app, {}))),
    kind: THROTTLED,
    text: 'Daily message quota exceeded.',
  },
  {
    name: 'a send rate that is exceeded',
    app: { config: { maxSendRate: 1 } },
    arrange: async (app) => {
      for (let n = 0; n < 5; n++)
        await sendThrough('v1', app, { to: Array.from({ length: 10 }, (_, m) => `f${m}@example.org`) })
    },
    kind: THROTTLED,
    text: 'Maximum sending rate exceeded.',
  },
  ...(
    [
      ['without an @', 'friend', "Missing final '@domain'"],
      ['without a domain', 'friend@', 'Missing domain'],
      ['without a local part', '@example.org', 'Missing local name'],
      ['with a blank in the local part', 'my friend@example.org', 'Local address contains control or whitespace'],
      ['with a local part that is not ASCII', 'fründ@example.org', 'Local address contains control or whitespace'],
      ['with a domain that is not Punycode', 'friend@bücher.example', 'Domain contains control or whitespace'],
    ] as const
  ).map(([what, address, text]): Case => ({
    name: `a recipient ${what} (SMTP refuses it at RCPT, and nodemailer mends it)`,
    mail: { to: [address] },
    kind: INVALID,
    text,
    not: ['smtp', 'v2 raw by nodemailer'],
  })),
  ...(
    [
      ['without a name', '', 'x', 'The tag name must be specified.'],
      ['without a value', 'x', '', 'The tag value must be specified.'],
      ['with a name too long', 'n'.repeat(256), 'x', 'Tag name cannot exceed 255 characters.'],
      ['with a value too long', 'x', 'v'.repeat(256), 'Tag value cannot exceed 255 characters.'],
      [
        'with a bad name',
        'a:b',
        'x',
        "Invalid tag name <a:b>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
      ],
      [
        'with a bad value',
        'x',
        'a:b',
        "Invalid tag value <a:b>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are allowed.",
      ],
    ] as const
  ).map(([what, name, value, text]): Case => ({
    name: `a tag ${what}, even before the identity is looked at`,
    mail: { from: 'stranger@nowhere.example', tags: [[name, value]] },
    kind: INVALID,
    text,
    // A header of name=value pairs cannot say an empty name or value in a way that is known.
    not: name === '' || value === '' ? ['smtp'] : [],
  })),
]

function expected({ kind, text }: Case, surface: Surface): Refusal {
  const refusal = refusalAs(kind, surface === 'smtp' ? 'smtp' : surface.startsWith('v1') ? 'v1' : 'v2', text)
  // The older SDK shows the code of the wire, the newer one the name of its exception.
  const isWireCode = surface === 'v1 by sdk 2' && refusal.code === 'ConfigurationSetDoesNotExistException'
  return isWireCode ? { ...refusal, code: 'ConfigurationSetDoesNotExist' } : refusal
}

describe('sending errors', () => {
  for (const each of CASES) {
    test(each.name, async () => {
      await using app = await startApp(each.app)
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
      await each.arrange?.(app)
      const before = await app.services.store.messages.list({}, { limit: 100 })
      const countedBefore = await app.services.quotas.sentLast24Hours(SCOPE)
      for (const surface of SURFACES.filter((one) => !each.not?.includes(one))) {
        const verdict = await sendThrough(surface, app, each.mail ?? {})
        assert.ok('refusal' in verdict, `${surface} accepted it`)
        assert.deepEqual(verdict.refusal, expected(each, surface), surface)
      }
      const after = await app.services.store.messages.list({}, { limit: 100 })
      assert.equal(after.length, before.length, 'a refused mail was stored')
      assert.equal(await app.services.quotas.sentLast24Hours(SCOPE), countedBefore, 'a refused mail was counted')
    })
  }

  test('over SMTP the From header and MAIL FROM are two identities, each as it was written', async () => {
    await using app = await startApp()
    const verdict = await sendThrough('smtp', app, {
      from: 'Stranger <stranger@nowhere.example>',
      returnPath: 'stranger@nowhere.example',
    })
    assert.deepEqual(verdict, {
      refusal: {
        code: '554',
        status: 554,
        message:
          'Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: Stranger <stranger@nowhere.example>, stranger@nowhere.example',
      },
    })
  })

  test('the region in the message is the one of the call', async () => {
    await using app = await startApp()
    const verdict = await sendThrough('v2', app, {}, app.clients('eu-central-1'))
    assert.ok('refusal' in verdict)
    assert.match(verdict.refusal.message, /in region EU-CENTRAL-1: sender@example\.com$/)
  })
})
