/** dkimpy, a verifier that has nothing in common with mailauth (which the tests beside the code ask) nor with us. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { keyRecord, readSigner } from '../../src/message/dkim/keys.ts'
import type { Signer } from '../../src/message/dkim/keys.ts'
import { signMessage } from '../../src/message/dkim/sign.ts'
import { tendPlatformKeys } from '../../src/domain/delivery/platform-rotation.ts'
import { fakeClock } from '../support/clock.ts'
import { keyRecordOf } from '../support/dkim.ts'
import { SENDER_DOMAIN, startWorld } from '../support/world.ts'
import { needPython, run } from './programs.ts'

const python = needPython('dkim', 'nacl')
const DOMAIN = 'example.com'
// dkimpy compares with the time of the machine.
const VALIDITY = { signedAt: 1_577_836_800, expiresAt: 4_102_444_800 }

const SIGNERS: readonly Signer[] = [
  { selector: 'rsa2048', key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey },
  { selector: 'rsa1024', key: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, coversFeedbackId: true },
  { selector: 'ed25519', key: generateKeyPairSync('ed25519').privateKey, coversFeedbackId: true },
].map(({ key, ...names }) => {
  const signer = readSigner({ domain: DOMAIN, pem: key.export({ type: 'pkcs8', format: 'pem' }), ...names })
  assert.ok(signer.ok)
  return signer.value
})
const RECORDS = Object.fromEntries(
  SIGNERS.map(({ selector, key }) => [`${selector}._domainkey.${DOMAIN}`, keyRecord(key)]),
)

/** For each message, whether each of its signatures holds. */
async function verdicts(
  messages: readonly Uint8Array[],
  records: Readonly<Record<string, string>> = RECORDS,
  signatures = SIGNERS.length,
): Promise<readonly (readonly boolean[])[]> {
  const questions = messages.map((message) =>
    JSON.stringify({ message: Buffer.from(message).toString('base64'), records, signatures }),
  )
  const script = join(import.meta.dirname, 'dkim_verify.py')
  const { stdout, stderr } = await run(python, [script], { input: `${questions.join('\n')}\n` })
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { ok, error } = JSON.parse(line) as { ok?: boolean[]; error?: string }
      return ok ?? assert.fail(`${error} ${stderr}`)
    })
}

function signed(text: string): Buffer {
  const message = Buffer.from(text)
  return Buffer.concat([Buffer.from(signMessage(message, SIGNERS, VALIDITY), 'latin1'), message])
}

const MESSAGE = [
  'Date: Thu, 15 Jan 2026 12:00:00 +0000',
  'From: =?utf-8?q?J=C3=B6rg?=  <joerg@example.com>',
  'To: bob@example.org,',
  '\tcarl@example.org',
  'Subject: Hello',
  'List-Unsubscribe: <https://example.com/u>',
  'Feedback-ID: 1.us-east-1.abc=:AmazonSES',
  '',
  'Hello \t world  ',
  '.',
  '',
  '',
].join('\r\n')

describe('dkimpy', () => {
  test('takes all signatures of a message', async () => {
    assert.deepEqual(await verdicts([signed(MESSAGE)]), [[true, true, true]])
  })

  test('takes the four signatures of mail from a server that signs with Ed25519 too', async () => {
    // dkimpy compares with the time of the machine.
    await using world = await startWorld(
      { mailDomain: 'mail.out.test', dkimEd25519: true },
      { clock: fakeClock(Date.now()) },
    )
    const { app, zone } = world
    const recordsNow = async () =>
      Object.fromEntries(
        Array.from(await keyRecordOf(app, SENDER_DOMAIN), ([name, values]) => [name, values.flat().join('')]),
      )
    const one = await world.domain('one.test', '127.0.0.2')
    await world.send(['bob@one.test'])
    await app.idle()
    await tendPlatformKeys(app.services)
    for (const [name, value] of Object.entries(await recordsNow())) zone[name] = { txt: [value] }
    await tendPlatformKeys(app.services)
    await world.send(['bob@one.test'])
    await app.idle()
    const message = Buffer.from(one.mails.at(-1)!.data, 'latin1')
    const algorithms = message.toString('latin1').match(/(?<=; a=)[a-z0-9-]+(?=;)/g)
    assert.deepEqual(algorithms, ['rsa-sha256', 'ed25519-sha256', 'rsa-sha256', 'ed25519-sha256'])
    assert.deepEqual(await verdicts([message], await recordsNow(), 4), [[true, true, true, true]])
  })

  test('refuses what was changed', async () => {
    const message = signed(MESSAGE).toString()
    const changes = [
      message.replace('world', 'w0rld'),
      message.replace('Subject: Hello', 'Subject: Hallo'),
      `Reply-To: somebody@example.net\r\n${message}`,
      message.replace('AmazonSES', 'Other'),
    ]
    assert.deepEqual(await verdicts(changes.map((text) => Buffer.from(text))), [
      [false, false, false],
      [false, false, false],
      [false, false, false],
      [true, false, false],
    ])
  })

  test('takes any message', async () => {
    const value = fc
      .array(fc.constantFrom('a', 'B', ' ', '\t', '  ', '\r\n ', '<a@b.example>', ';', ':', 'ü'), { maxLength: 8 })
      .map((pieces) => `${pieces.join('')}x`)
    const name = fc.constantFrom('to', 'CC', 'Subject', 'Received', 'List-Id', 'list-id', 'Content-Type', 'Feedback-ID')
    const field = fc.tuple(name, value).map(([first, second]) => `${first}: ${second}\r\n`)
    // Mail that we send ends with a line end; dkimpy and the RFC part over white space at the end of a body that does not.
    const body = fc
      .array(fc.constantFrom('a', 'ö', ' ', '\t', '\r\n', '\r\n\r\n', '.', 'bcd'), { maxLength: 30 })
      .map((pieces) => pieces.join(''))
    const message = fc
      .tuple(fc.array(field, { maxLength: 8 }), body)
      .map(([fields, text]) => `From: <a@example.com>\r\n${fields.join('')}\r\n${text}\r\n`)
    const samples = fc.sample(message, { numRuns: 200, seed: 6376 })
    for (const [index, verdict] of (await verdicts(samples.map(signed))).entries()) {
      assert.deepEqual(verdict, [true, true, true], JSON.stringify(samples[index]))
    }
  })
})
