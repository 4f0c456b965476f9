/**
 * Everything that SES refuses to send, once: what brings it about, and what each surface then says, word for word
 * (docs/fidelity.md). The clients' tests go through this list.
 */
import * as v2 from '@aws-sdk/client-sesv2'
import { type Mail, REGION_IN_TEXTS } from './mail.ts'
import { type Account, type Key, REGION } from './server.ts'

export type Refusal = {
  readonly name: string
  /** Brings the account into the state; gives the mail, and the key to send it with where it is not the account's. */
  readonly arrange: (account: Account) => Promise<{ readonly mail: Mail; readonly key?: Key }>
  readonly v1: readonly [code: string, status: number]
  readonly v2: readonly [code: string, status: number]
  /** Reply code and the words before the text. */
  readonly smtp: string
  readonly text: string | ((account: Account, action: string) => string)
  /** One of many of its kind: bad addresses, bad tags. */
  readonly isSyntax?: boolean
  /** Surfaces on which it cannot come about, or has another test. */
  readonly not?: readonly Surface[]
}

export type Surface = 'formatted' | 'raw' | 'smtp'

export const FROM = 'shop@example.com'
export const TO = 'friend@example.org'
const MAIL: Mail = { from: FROM, to: [TO] }

const REJECTED = { v1: ['MessageRejected', 400], v2: ['MessageRejected', 400], smtp: '554 Message rejected: ' } as const
const INVALID = {
  v1: ['InvalidParameterValue', 400],
  v2: ['BadRequestException', 400],
  smtp: '554 Transaction failed: ',
} as const
const THROTTLED = {
  v1: ['Throttling', 400],
  v2: ['TooManyRequestsException', 429],
  smtp: '454 Throttling failure: ',
} as const
const DENIED = { v1: ['AccessDenied', 403], v2: ['AccessDeniedException', 403], smtp: '554 Access denied: ' } as const
const NOT_VERIFIED = `Email address is not verified. The following identities failed the check in region ${REGION_IN_TEXTS}: `

export const REFUSALS: readonly Refusal[] = [
  {
    name: 'a sender that is not verified',
    ...REJECTED,
    arrange: async () => ({ mail: MAIL }),
    text: `${NOT_VERIFIED}${FROM}`,
  },
  {
    name: 'a sender with a name that is not verified, as he was given',
    ...REJECTED,
    arrange: async () => ({ mail: { ...MAIL, from: `The Shop <${FROM}>` } }),
    text: `${NOT_VERIFIED}The Shop <${FROM}>`,
    not: ['smtp'],
  },
  {
    name: 'recipients that are not verified, in the sandbox',
    ...REJECTED,
    async arrange(account) {
      await verify(account, FROM)
      await verify(account, 'known@example.org')
      await account.patch({ productionAccess: false })
      return { mail: { ...MAIL, to: [TO, 'known@example.org'], cc: ['other@example.net'] } }
    },
    text: `${NOT_VERIFIED}${TO}, other@example.net`,
  },
  {
    name: 'sender and recipient that are not verified, in the sandbox',
    ...REJECTED,
    async arrange(account) {
      await account.patch({ productionAccess: false })
      return { mail: MAIL }
    },
    text: `${NOT_VERIFIED}${FROM}, ${TO}`,
  },
  {
    name: 'an account over its daily quota',
    ...THROTTLED,
    async arrange(account) {
      await verify(account, FROM)
      await account.patch({ max24HourSend: 2 })
      await send(account, [TO, 'other@example.net'])
      return { mail: MAIL }
    },
    text: 'Daily message quota exceeded.',
  },
  {
    name: 'an account over its rate',
    ...THROTTLED,
    async arrange(account) {
      await verify(account, FROM)
      await account.patch({ maxSendRate: 1 })
      // At one a second, fifty recipients are paid back in most of a minute.
      await send(account, addresses(50, 'r'))
      return { mail: MAIL }
    },
    text: 'Maximum sending rate exceeded.',
  },
  {
    name: 'an account that its owner has paused',
    v1: ['AccountSendingPausedException', 400],
    v2: ['SendingPausedException', 400],
    smtp: '554 Message rejected: ',
    async arrange(account) {
      await verify(account, FROM)
      await account.sesv2.send(new v2.PutAccountSendingAttributesCommand({ SendingEnabled: false }))
      return { mail: MAIL }
    },
    text: 'Account sending is disabled.',
  },
  {
    name: 'an account that enforcement has paused',
    ...REJECTED,
    async arrange(account) {
      await verify(account, FROM)
      await account.patch({ enforcementStatus: 'SHUTDOWN' })
      return { mail: MAIL }
    },
    text: 'Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.',
  },
  {
    name: 'a configuration set that is not there',
    v1: ['ConfigurationSetDoesNotExist', 400],
    v2: ['NotFoundException', 404],
    smtp: '554 Transaction failed: ',
    async arrange(account) {
      await verify(account, FROM)
      return { mail: { ...MAIL, configurationSet: 'nowhere' } }
    },
    text: 'Configuration set <nowhere> does not exist.',
  },
  {
    name: "a configuration set that is an identity's default and gone",
    ...INVALID,
    async arrange(account) {
      await account.sesv2.send(new v2.CreateConfigurationSetCommand({ ConfigurationSetName: 'gone' }))
      await verify(account, FROM, { ConfigurationSetName: 'gone' })
      await account.sesv2.send(new v2.DeleteConfigurationSetCommand({ ConfigurationSetName: 'gone' }))
      return { mail: MAIL }
    },
    text: 'Configuration set <gone> does not exist.',
  },
  {
    name: 'a configuration set that is paused',
    v1: ['ConfigurationSetSendingPausedException', 400],
    v2: ['SendingPausedException', 400],
    smtp: '554 Message rejected: ',
    async arrange(account) {
      await verify(account, FROM)
      await account.sesv2.send(
        new v2.CreateConfigurationSetCommand({
          ConfigurationSetName: 'paused',
          SendingOptions: { SendingEnabled: false },
        }),
      )
      return { mail: { ...MAIL, configurationSet: 'paused' } }
    },
    text: 'Sending is paused for configuration set paused',
  },
  {
    name: 'a MAIL FROM domain without its DNS records, where the message shall be rejected then',
    v1: ['MailFromDomainNotVerifiedException', 400],
    v2: ['MailFromDomainNotVerifiedException', 400],
    smtp: '554 MAIL FROM domain not verified: ',
    async arrange(account) {
      await verify(account, 'example.com')
      await account.sesv2.send(
        new v2.PutEmailIdentityMailFromAttributesCommand({
          EmailIdentity: 'example.com',
          MailFromDomain: 'bounce.example.com',
          BehaviorOnMxFailure: 'REJECT_MESSAGE',
        }),
      )
      return { mail: MAIL }
    },
    text: 'DNS setup for MAIL FROM domain is invalid.',
  },
  {
    name: 'more than 50 recipients',
    ...INVALID,
    async arrange(account) {
      await verify(account, FROM)
      return { mail: { ...MAIL, to: addresses(17, 'to'), cc: addresses(17, 'cc'), bcc: addresses(17, 'bcc') } }
    },
    text: 'Recipient count exceeds 50.',
  },
  address('a sender without a domain', { from: 'shop' }, "Missing final '@domain'"),
  address('a recipient without a domain', { to: [TO, 'friend'] }, "Missing final '@domain'"),
  address('a recipient with nothing behind the @', { to: ['friend@'] }, 'Missing domain'),
  address('a recipient with nothing before the @', { to: ['@example.org'] }, 'Missing local name'),
  address(
    'a recipient with a space in his domain',
    { to: ['friend@exam ple.org'] },
    'Domain contains control or whitespace',
  ),
  address(
    'a recipient who is not ASCII',
    { to: ['fründ@example.org'] },
    'Local address contains control or whitespace',
    'raw',
  ),
  address('a recipient with an open quote', { to: ['"friend <friend@example.org>'] }, "Missing '\"'"),
  tag('a tag without a name', { Name: '', Value: 'spring' }, 'The tag name must be specified.', 'raw'),
  tag('a tag without a value', { Name: 'campaign', Value: '' }, 'The tag value must be specified.', 'raw'),
  tag(
    'a tag with a colon in its name',
    { Name: 'my:campaign', Value: 'spring' },
    "Invalid tag name <my:campaign>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
  ),
  tag(
    'a tag with a colon in its value',
    { Name: 'campaign', Value: 'spring:2026' },
    "Invalid tag value <spring:2026>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are allowed.",
  ),
  tag(
    'a tag with a name over 255 characters',
    { Name: 'n'.repeat(256), Value: 'v' },
    'Tag name cannot exceed 255 characters.',
  ),
  tag(
    'a tag with a value over 255 characters',
    { Name: 'n', Value: 'v'.repeat(256) },
    'Tag value cannot exceed 255 characters.',
  ),
  {
    name: 'a key whose IAM policy is about another identity',
    ...DENIED,
    async arrange(account) {
      await verify(account, FROM)
      return { mail: MAIL, key: await account.newKey('mailer', mayOnlySendAs(account, 'other@example.com')) }
    },
    text: (account, action) =>
      `User \`arn:aws:iam::${account.id}:user/mailer' is not authorized to perform \`${action}' on resource \`arn:aws:ses:${REGION}:${account.id}:identity/${FROM}'`,
  },
  {
    name: 'a recipient that an IAM policy denies',
    ...DENIED,
    async arrange(account) {
      await verify(account, 'example.com')
      const policy = {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 'ses:*', Resource: '*' },
          {
            Effect: 'Deny',
            Action: 'ses:Send*',
            Resource: '*',
            Condition: { 'ForAnyValue:StringLike': { 'ses:Recipients': '*@example.org' } },
          },
        ],
      }
      return { mail: MAIL, key: await account.newKey('careful', policy) }
    },
    text: (account, action) =>
      `User \`arn:aws:iam::${account.id}:user/careful' is not authorized to perform \`${action}' on resource \`arn:aws:ses:${REGION}:${account.id}:identity/example.com'`,
  },
  raw(
    'a message with two subjects',
    [`From: ${FROM}`, `To: ${TO}`, 'Subject: a', 'Subject: b'],
    "Duplicate header 'Subject'.",
  ),
  raw('a header without a name', [`From: ${FROM}`, `To: ${TO}`, ': nameless'], 'Empty header names are illegal.'),
  raw('a message without a From', [`To: ${TO}`, 'Subject: a'], "Missing required header 'From'."),
  raw(
    'a multipart message without its boundary',
    [`From: ${FROM}`, `To: ${TO}`, 'Content-Type: multipart/mixed; boundary=x'],
    'Missing start boundary',
  ),
  {
    ...raw(
      'an attachment of a forbidden type',
      [
        `From: ${FROM}`,
        `To: ${TO}`,
        'MIME-Version: 1.0',
        'Content-Type: application/octet-stream',
        'Content-Disposition: attachment; filename="setup.exe"',
      ],
      'Message contains an attachment of a type that is not allowed: .exe',
    ),
    ...REJECTED,
  },
]

/** The refusals that can come about on a surface. */
export function refusalsOn(surface: Surface): readonly Refusal[] {
  return REFUSALS.filter(({ not = [] }) => !not.includes(surface))
}

export function textOf({ text }: Refusal, account: Account, action: string): string {
  return typeof text === 'string' ? text : text(account, action)
}

/** Makes an identity, verified whatever the profile. */
export async function verify(
  account: Account,
  identity: string,
  more: { ConfigurationSetName?: string } = {},
): Promise<void> {
  await account.sesv2.send(new v2.CreateEmailIdentityCommand({ EmailIdentity: identity, ...more }))
  await account.markVerified(identity)
}

function addresses(count: number, name: string): string[] {
  return Array.from({ length: count }, (_, i) => `${name}${i}@example.net`)
}

async function send(account: Account, to: string[]): Promise<void> {
  const Content = { Simple: { Subject: { Data: 'Hello' }, Body: { Text: { Data: 'Hi' } } } }
  await account.sesv2.send(
    new v2.SendEmailCommand({ FromEmailAddress: FROM, Destination: { ToAddresses: to }, Content }),
  )
}

function mayOnlySendAs(account: Account, identity: string): object {
  const Resource = `arn:aws:ses:${REGION}:${account.id}:identity/${identity}`
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['ses:SendEmail', 'ses:SendRawEmail'], Resource }],
  }
}

/** SMTP has words of its own for addresses that are bad in MAIL and RCPT already. */
function address(name: string, mail: Partial<Mail>, text: string, ...not: Surface[]): Refusal {
  return {
    name,
    ...INVALID,
    arrange: async () => ({ mail: { ...MAIL, ...mail } }),
    text,
    not: ['smtp', ...not],
    isSyntax: true,
  }
}

/** The sender is not verified, and need not be: SES looks at tags first (recorded). */
function tag(name: string, tagged: { Name: string; Value: string }, text: string, ...not: Surface[]): Refusal {
  const alsoNot: readonly Surface[] = not.includes('raw') ? ['raw', 'smtp'] : []
  return {
    name,
    ...INVALID,
    arrange: async () => ({ mail: { ...MAIL, tags: [tagged] } }),
    text,
    not: alsoNot,
    isSyntax: true,
  }
}

function raw(name: string, headers: readonly string[], text: string): Refusal {
  return {
    name,
    ...INVALID,
    async arrange(account) {
      await verify(account, FROM)
      return { mail: { ...MAIL, headers } }
    },
    text,
    not: ['formatted'],
  }
}
