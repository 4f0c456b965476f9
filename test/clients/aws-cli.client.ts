/** The aws CLI: every refusal over v1 and v2 as it prints it, and its own commands for sending. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type Call, v1Formatted, v1Raw, v2Raw, v2Simple } from './mail.ts'
import { need, type Outcome, run } from './programs.ts'
import { FROM, refusalsOn, textOf, TO, verify } from './refusals.ts'
import { type Account, type Key, REGION, CHECKED, startServer } from './server.ts'

const aws = need('aws')
const server = await startServer(CHECKED)
const folder = await mkdtemp(join(tmpdir(), 'sesame-aws-'))
// Version 2 wants base64 where version 1 takes text, unless it is told so.
await writeFile(join(folder, 'config'), '[default]\noutput = json\ncli_binary_format = raw-in-base64-out\n')
after(async () => {
  await rm(folder, { recursive: true, force: true })
  await server.stop()
})

type Options = { readonly key?: Pick<Key, 'accessKeyId' | 'secretAccessKey'>; readonly region?: string }

async function cli(
  account: Account,
  args: readonly string[],
  { key = account.key, region = REGION }: Options = {},
): Promise<Outcome> {
  const env = {
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    AWS_DEFAULT_REGION: region,
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
  }
  return await run(aws, [...args, '--endpoint-url', server.url], { env })
}

/** What a command prints as JSON; throws when it fails. */
async function printed(account: Account, args: readonly string[], options?: Options): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await cli(account, args, options)
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout || '{}') as Record<string, unknown>
}

async function refused(
  account: Account,
  args: readonly string[],
  expected: string | RegExp,
  options?: Options,
): Promise<void> {
  const { status, stderr } = await cli(account, args, options)
  assert.notEqual(status, 0)
  // Newer versions begin with `aws: [ERROR]:`; some also say how often they tried.
  const told = stderr
    .trim()
    .replace(/^aws: \[ERROR\]: /, '')
    .replace(' (reached max retries: 0)', '')
  if (typeof expected === 'string') assert.equal(told, expected)
  else assert.match(told, expected)
}

/** `--cli-input-json` takes the members of any call. */
function argumentsOf({ service, operation, input }: Call): string[] {
  const command = operation.replaceAll(/(?<=.)(?=[A-Z])/g, '-').toLowerCase()
  return [service, command, '--cli-input-json', JSON.stringify(input, asText)]
}

function asText(_name: string, value: unknown): unknown {
  const isOctets = typeof value === 'object' && value !== null && '$octets' in value
  return isOctets ? Buffer.from(String(value.$octets), 'base64').toString() : value
}

// Each run takes the better part of a second. test/clients/boto3.client.ts has what is left out here.
const FORMATTED = refusalsOn('formatted')
const RAW_ONLY = refusalsOn('raw').filter((refusal) => !FORMATTED.includes(refusal))
const WAYS = [
  { name: 'aws ses send-email', api: 'v1', call: v1Formatted, refusals: FORMATTED, action: 'ses:SendEmail' },
  {
    name: 'aws sesv2 send-email',
    api: 'v2',
    call: v2Simple,
    refusals: FORMATTED.filter(({ isSyntax }) => isSyntax !== true),
    action: 'ses:SendEmail',
  },
  {
    name: 'aws ses send-raw-email',
    api: 'v1',
    call: v1Raw,
    refusals: RAW_ONLY.slice(0, 1),
    action: 'ses:SendRawEmail',
  },
  {
    name: 'aws sesv2 send-email, raw,',
    api: 'v2',
    call: v2Raw,
    refusals: RAW_ONLY.slice(1),
    action: 'ses:SendRawEmail',
  },
] as const

for (const { name, api, call, refusals, action } of WAYS) {
  describe(`${name} refuses`, { concurrency: 2 }, () => {
    for (const refusal of refusals) {
      test(refusal.name, async () => {
        const account = await server.newAccount()
        const { mail, key = account.key } = await refusal.arrange(account)
        const made = call(mail)
        const told = `An error occurred (${refusal[api][0]}) when calling the ${made.operation} operation: ${textOf(refusal, account, action)}`
        await refused(account, argumentsOf(made), told, { key })
      })
    }
  })
}

describe('the aws CLI, who is asking', { concurrency: 2 }, () => {
  const unknown = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'nothing' }
  const text = 'The security token included in the request is invalid.'

  test('an unknown key on v1', async () => {
    const told = `An error occurred (InvalidClientTokenId) when calling the GetSendQuota operation: ${text}`
    await refused(await server.newAccount(), ['ses', 'get-send-quota'], told, { key: unknown })
  })

  test('an unknown key on v2', async () => {
    const told = `An error occurred (UnrecognizedClientException) when calling the GetAccount operation: ${text}`
    await refused(await server.newAccount(), ['sesv2', 'get-account'], told, { key: unknown })
  })

  test('a wrong secret', async () => {
    const account = await server.newAccount()
    const key = { ...account.key, secretAccessKey: 'guessed' }
    const told =
      /^An error occurred \(InvalidSignatureException\) when calling the GetAccount operation: The request signature we calculated does not match the signature you provided\./
    await refused(account, ['sesv2', 'get-account'], told, { key })
  })

  test('nobody at all', async () => {
    const told =
      'An error occurred (MissingAuthenticationToken) when calling the GetSendQuota operation: Request is missing Authentication Token'
    await refused(await server.newAccount(), ['ses', 'get-send-quota', '--no-sign-request'], told)
  })
})

describe('the aws CLI sends', { concurrency: 2 }, () => {
  test('with the options of ses send-email', async () => {
    const account = await server.newAccount()
    await printed(account, ['ses', 'verify-email-identity', '--email-address', FROM])
    await account.markVerified(FROM)
    await printed(account, ['sesv2', 'create-configuration-set', '--configuration-set-name', 'news'])
    const args = [
      '--from',
      FROM,
      '--to',
      TO,
      'second@example.org',
      '--cc',
      'copy@example.org',
      '--bcc',
      'hidden@example.org',
    ]
    const more = [
      '--subject',
      'Hello',
      '--text',
      'Hi there',
      '--html',
      '<b>Hi</b> there',
      '--reply-to-addresses',
      'answers@example.com',
    ]
    const tagged = ['--configuration-set-name', 'news', '--tags', 'Name=campaign,Value=spring']
    const { MessageId } = await printed(account, ['ses', 'send-email', ...args, ...more, ...tagged])
    const message = await account.message()
    assert.equal(message.messageId, MessageId)
    assert.deepEqual(message.destination, [TO, 'second@example.org', 'copy@example.org', 'hidden@example.org'])
    assert.deepEqual([message.text?.trim(), message.html?.trim()], ['Hi there', '<b>Hi</b> there'])
    assert.deepEqual([message.configurationSet, message.tags['campaign']], ['news', ['spring']])
    assert.doesNotMatch(await account.raw(message.messageId), /hidden@/)
  })

  test('a raw message through both APIs', async () => {
    const account = await server.newAccount()
    await verify(account, 'example.com')
    const raw = `From: ${FROM}\nTo: ${TO}\nSubject: raw\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<p>Hi</p>\n`
    await printed(account, ['ses', 'send-raw-email', '--raw-message', JSON.stringify({ Data: raw })])
    assert.deepEqual((await account.message()).html?.trim(), '<p>Hi</p>')
    const content = JSON.stringify({ Raw: { Data: raw.replace('Subject: raw', 'Subject: again') } })
    const { MessageId } = await printed(account, ['sesv2', 'send-email', '--content', content])
    assert.equal((await account.message({ subject: 'again' })).messageId, MessageId)
  })

  test('and reads quota, account and identities', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    assert.deepEqual(await printed(account, ['ses', 'get-send-quota']), {
      Max24HourSend: -1,
      MaxSendRate: 1000,
      SentLast24Hours: 0,
    })
    const { SendingEnabled, ProductionAccessEnabled } = await printed(account, ['sesv2', 'get-account'])
    assert.deepEqual([SendingEnabled, ProductionAccessEnabled], [true, true])
    const { VerificationAttributes } = await printed(account, [
      'ses',
      'get-identity-verification-attributes',
      '--identities',
      FROM,
    ])
    assert.deepEqual(VerificationAttributes, { [FROM]: { VerificationStatus: 'Success' } })
    const query = ['--query', 'EmailIdentities[].IdentityName', '--output', 'text']
    assert.equal((await cli(account, ['sesv2', 'list-email-identities', ...query])).stdout.trim(), FROM)
  })
})
