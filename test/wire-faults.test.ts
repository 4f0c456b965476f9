/** What the clients of SES make of faults of the wire: each raises what it raises against AWS, on both APIs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetSendQuotaCommand, SESClient } from '@aws-sdk/client-ses'
import { GetAccountCommand, SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2'
import aws2 from 'aws-sdk'
import { createTransport } from 'nodemailer'
import { startApp, TEST_KEY, type TestApp } from './support/app.ts'
import { refusalOf } from './support/surfaces.ts'

type Asking = {
  readonly credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  readonly region?: string
  /** By how much the client's clock is wrong. */
  readonly offsetMs?: number
}

type Client = (
  app: TestApp,
  asking: Required<Omit<Asking, 'credentials'>> & { credentials: Credentials },
) => Promise<unknown>
type Credentials = NonNullable<Asking['credentials']>

/** The SDKs set their clocks by the server's answer and try again: with one attempt the first answer is what we see. */
const CLIENTS: Readonly<Record<string, { readonly api: 'v1' | 'v2'; readonly call: Client }>> = {
  'SDK 3, SES': {
    api: 'v1',
    async call(app, { credentials, region, offsetMs }) {
      const settings = { endpoint: app.url, region, credentials, maxAttempts: 1, systemClockOffset: offsetMs }
      await new SESClient(settings).send(new GetSendQuotaCommand())
    },
  },
  'SDK 3, SESv2': {
    api: 'v2',
    async call(app, { credentials, region, offsetMs }) {
      const settings = { endpoint: app.url, region, credentials, maxAttempts: 1, systemClockOffset: offsetMs }
      await new SESv2Client(settings).send(new GetAccountCommand())
    },
  },
  'SDK 2, SES': {
    api: 'v1',
    async call(app, { credentials, region, offsetMs }) {
      const settings = { endpoint: app.url, region, credentials, maxRetries: 0, systemClockOffset: offsetMs }
      await new aws2.SES(settings).getSendQuota().promise()
    },
  },
  'SDK 2, SESV2': {
    api: 'v2',
    async call(app, { credentials, region, offsetMs }) {
      const settings = { endpoint: app.url, region, credentials, maxRetries: 0, systemClockOffset: offsetMs }
      await new aws2.SESV2(settings).getAccount().promise()
    },
  },
  "nodemailer's SES transport": {
    api: 'v2',
    async call(app, { credentials, region, offsetMs }) {
      const settings = { endpoint: app.url, region, credentials, maxAttempts: 1, systemClockOffset: offsetMs }
      const transport = createTransport({ SES: { sesClient: new SESv2Client(settings), SendEmailCommand } })
      await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', text: 'x' })
    },
  },
}

const INVALID_TOKEN = /^The security token included in the request is invalid\.$/
const FAULTS: readonly (Asking & {
  readonly name: string
  readonly told: Readonly<Record<'v1' | 'v2', string>>
  readonly message: RegExp
})[] = [
  {
    name: 'an unknown key',
    credentials: { ...TEST_KEY, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' },
    told: { v1: 'InvalidClientTokenId', v2: 'UnrecognizedClientException' },
    message: INVALID_TOKEN,
  },
  {
    name: 'a session token that the key has not',
    credentials: { ...TEST_KEY, sessionToken: 'FwoGZXIvYXdzEXAMPLE' },
    told: { v1: 'InvalidClientTokenId', v2: 'UnrecognizedClientException' },
    message: INVALID_TOKEN,
  },
  {
    name: 'a wrong secret',
    credentials: { ...TEST_KEY, secretAccessKey: 'guessed' },
    told: { v1: 'SignatureDoesNotMatch', v2: 'InvalidSignatureException' },
    message: /^The request signature we calculated does not match the signature you provided\. Check your AWS Secret/,
  },
  {
    name: 'a clock that is slow',
    offsetMs: -600_000,
    told: { v1: 'SignatureDoesNotMatch', v2: 'InvalidSignatureException' },
    message: /^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)$/,
  },
  {
    name: 'a clock that is fast',
    offsetMs: 600_000,
    told: { v1: 'SignatureDoesNotMatch', v2: 'InvalidSignatureException' },
    message: /^Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 5 min\.\)$/,
  },
  {
    name: 'a region that is none',
    region: 'nowhere',
    told: { v1: 'SignatureDoesNotMatch', v2: 'InvalidSignatureException' },
    message: /^Credential should be scoped to a valid region\.$/,
  },
]

for (const { name, told, message, credentials = TEST_KEY, region = 'us-east-1', offsetMs = 0 } of FAULTS) {
  test(`${name} is told by every client as AWS's`, async () => {
    await using app = await startApp()
    for (const [client, { api, call }] of Object.entries(CLIENTS)) {
      const refusal = await call(app, { credentials, region, offsetMs }).then(() => assert.fail(client), refusalOf)
      assert.deepEqual([refusal.code, refusal.status], [told[api], 403], client)
      assert.match(refusal.message, message, client)
    }
  })
}
