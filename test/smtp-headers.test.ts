/** The X-SES-… headers that SMTP clients have for the parameters of the API: what each does, and that none leaves us. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  CreateConfigurationSetCommand,
  CreateEmailIdentityCommand,
  CreateEmailIdentityPolicyCommand,
} from '@aws-sdk/client-sesv2'
import type { TestApp } from './support/app.ts'
import { read, startWithSender } from './support/admin.ts'
import { FRIEND, type Refusal, refusalOf, SENDER } from './support/surfaces.ts'

type Smtp = ReturnType<TestApp['smtp']>

/** Sends with these headers, and gives the MessageId, or what was refused. */
async function submit(smtp: Smtp, headers: readonly string[], from = SENDER): Promise<string | Refusal> {
  const raw = [...headers, `From: ${from}`, `To: ${FRIEND}`, 'Subject: Hello', '', 'Hi', ''].join('\r\n')
  try {
    const { response } = await smtp.sendMail({ envelope: { from, to: [FRIEND] }, raw })
    return response.replace(/^250 Ok /, '')
  } catch (error) {
    return refusalOf(error)
  }
}

async function accepted(smtp: Smtp, headers: readonly string[], from = SENDER): Promise<string> {
  const answer = await submit(smtp, headers, from)
  assert.ok(typeof answer === 'string', JSON.stringify(answer))
  return answer
}

async function rawOf(app: TestApp, id: string): Promise<string> {
  return await (await fetch(`${app.url}/_sesame/messages/${id}/raw`)).text()
}

describe('over SMTP', () => {
  test('configuration set and tags are taken from headers, in any case, the first of each, and all are removed', async () => {
    await using app = await startWithSender()
    await app.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'news' }))
    const id = await accepted(app.smtp(), [
      'x-ses-configuration-set: news',
      'X-SES-CONFIGURATION-SET: missing',
      'X-SES-MESSAGE-TAGS: campaign=spring, kind=letter',
      'X-SES-Message-Tags: campaign=autumn',
    ])
    const details = await read(app, id)
    assert.equal(details.configurationSet, 'news')
    const [sent] = details.events.filter(({ eventType }) => eventType === 'Send')
    assert.ok(sent)
    const { tags } = sent.mail as unknown as { tags: Record<string, readonly string[]> }
    assert.deepEqual(
      [tags['campaign'], tags['kind'], tags['ses:configuration-set']],
      [['spring'], ['letter'], ['news']],
    )
    assert.doesNotMatch(await rawOf(app, id), /^x-ses-(configuration|message)/im)
  })

  test('what is wrong with a header is told at the end of DATA, and nothing is kept', async () => {
    await using app = await startWithSender()
    const smtp = app.smtp()
    for (const [header, said] of [
      ['X-SES-CONFIGURATION-SET: missing', 'Transaction failed: Configuration set <missing> does not exist.'],
      [
        'X-SES-MESSAGE-TAGS: a b=c',
        "Transaction failed: Invalid tag name <a b>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
      ],
      ['X-SES-MESSAGE-TAGS: campaign', 'Transaction failed: The tag value must be specified.'],
      ['X-SES-SOURCE-ARN: nonsense', 'Transaction failed: Invalid ARN <nonsense>.'],
      ['X-SES-FROM-ARN: nonsense', 'Transaction failed: Invalid ARN <nonsense>.'],
      [
        'X-SES-LIST-MANAGEMENT-OPTIONS: readers; topic=sport',
        "Transaction failed: List with name: readers doesn't exist.",
      ],
      ['X-SES-TENANT: acme', 'Transaction failed: Tenant acme for AwsAccountId 000000000000 not found.'],
    ] as const) {
      assert.deepEqual(await submit(smtp, [header]), { code: '554', status: 554, message: said }, header)
    }
  })

  test('the ARNs of another account open its identities, where it lets us', async () => {
    await using app = await startWithSender()
    const ann = 'ann@owned.example'
    const arn = `arn:aws:ses:us-east-1:000000000000:identity/${ann}`
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: ann }))
    await app.admin('POST', '/_sesame/accounts', { accountId: '111122223333', name: 'delegate' })
    const { body } = await app.admin('POST', '/_sesame/accounts/111122223333/keys', { userName: 'bob' })
    const key = body as { accessKeyId: string; smtpPasswords: Record<string, string> }
    const smtp = app.smtp(key.accessKeyId, key.smtpPasswords['us-east-1'])
    const arns = [`X-SES-SOURCE-ARN: ${arn}`, `X-SES-FROM-ARN: ${arn}`, `X-SES-RETURN-PATH-ARN: ${arn}`]

    const alone = await submit(smtp, [], ann)
    assert.ok(typeof alone !== 'string')
    assert.match(alone.message, /^Message rejected: Email address is not verified\. .*: ann@owned\.example$/)
    const unasked = await submit(smtp, arns, ann)
    assert.ok(typeof unasked !== 'string')
    assert.equal(
      unasked.message,
      `Access denied: User \`arn:aws:iam::111122223333:user/bob' is not authorized to perform \`ses:SendRawEmail' on resource \`${arn}'`,
    )

    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'ses:SendRawEmail', Resource: arn }],
    })
    await app.sesv2.send(new CreateEmailIdentityPolicyCommand({ EmailIdentity: ann, PolicyName: 'p', Policy }))
    const id = await accepted(smtp, [...arns, 'X-SES-SOURCE-ARN: nonsense'], ann)
    assert.doesNotMatch(await rawOf(app, id), /-ARN:/i)
  })
})
