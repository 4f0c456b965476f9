import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { dialog } from '../../test/support/dialog.ts'
import { base64, HELLO, PASSWORD, PLAIN, startSubmission, USER } from '../../test/support/smtp.ts'

describe('AUTH', () => {
  const wrong = base64(`\0${USER}\0nonsense`)
  for (const [name, steps] of [
    ['PLAIN with an initial response', `C: AUTH PLAIN ${PLAIN}\nS: 235 Authentication successful.`],
    ['PLAIN without one', `C: auth plain\nS: 334 Ok\nC: ${PLAIN}\nS: 235 Authentication successful.`],
    ['PLAIN for oneself by name', `C: AUTH PLAIN ${base64(`${USER}\0${USER}\0${PASSWORD}`)}\nS: 235 …`],
    [
      'PLAIN for somebody else',
      `C: AUTH PLAIN ${base64(`root\0${USER}\0${PASSWORD}`)}\nS: 535 Authentication Credentials Invalid`,
    ],
    [
      'LOGIN with the user as initial response',
      `C: AUTH LOGIN ${base64(USER)}\nS: 334 UGFzc3dvcmQ6\nC: ${base64(PASSWORD)}\nS: 235 …`,
    ],
    ['LOGIN in one segment', `C: AUTH LOGIN\nC: ${base64(USER)}\nC: ${base64(PASSWORD)}\nS: 334 …\nS: 334 …\nS: 235 …`],
    [
      'a wrong password',
      `C: AUTH PLAIN ${wrong}\nS: 535 Authentication Credentials Invalid\nC: AUTH PLAIN ${PLAIN}\nS: 235 …`,
    ],
    [
      'a cancelled PLAIN',
      'C: AUTH PLAIN\nS: 334 Ok\nC: *\nS: 501 Authentication canceled by client.\nC: NOOP\nS: 250 Ok',
    ],
    [
      'a LOGIN cancelled half-way',
      `C: AUTH LOGIN ${base64(USER)}\nS: 334 …\nC: *\nS: 501 Authentication canceled by client.`,
    ],
    ['bad base64', 'C: AUTH PLAIN A\nS: 501 Invalid command argument, not a valid Base64 string\nC: NOOP\nS: 250 Ok'],
    [
      'bad base64 later',
      'C: AUTH LOGIN\nS: 334 …\nC: %%%%\nS: 501 Invalid command argument, not a valid Base64 string',
    ],
    ['PLAIN without NUL', `C: AUTH PLAIN ${base64('abc')}\nS: 501 Invalid command argument, does not contain NUL`],
    [
      'PLAIN with too many NUL',
      `C: AUTH PLAIN ${base64('\0a\0b\0c')}\nS: 501 Invalid command argument, does not contain NUL`,
    ],
    ['an empty initial response', 'C: AUTH PLAIN =\nS: 501 Invalid command argument, does not contain NUL'],
    ['no mechanism', 'C: AUTH\nS: 501 Syntax: AUTH mechanism [initial-response]'],
    ['too many words', 'C: AUTH PLAIN a b\nS: 501 Syntax: AUTH mechanism [initial-response]'],
    ['another mechanism', 'C: AUTH CRAM-MD5\nS: 504 The requested authentication mechanism is not supported'],
    ['a line of 12288 octets', `C: AUTH PLAIN ${'A'.repeat(12_272)}\nS: 501 …`],
    ['a longer line', `C: AUTH PLAIN ${'A'.repeat(12_276)}\nS: 500 Error: line too long`],
    ['a long answer', `C: AUTH PLAIN\nS: 334 Ok\nC: ${'A'.repeat(12_284)}\nS: 501 …`],
    [
      'a longer answer',
      `C: AUTH PLAIN\nS: 334 Ok\nC: ${'A'.repeat(12_288)}\nS: 500 Error: line too long\nC: NOOP\nS: 250 Ok`,
    ],
  ] as const) {
    test(name, async () => {
      await using server = await startSubmission({}, 'tls')
      await dialog(server.port, `${HELLO}\n${steps}`, { tls: true })
    })
  }

  for (const [answer, said] of [
    ['not-subscribed', '535 Account not subscribed to SES'],
    ['temporary', '454 Temporary authentication failure'],
  ] as const) {
    test(`${answer} is told as ${said}`, async () => {
      await using server = await startSubmission({ authenticate: async () => answer }, 'tls')
      await dialog(server.port, `${HELLO}\nC: AUTH PLAIN ${PLAIN}\nS: ${said}`, { tls: true })
    })
  }

  test('a bug is told as a temporary failure, and logged without the password', async () => {
    await using server = await startSubmission({ authenticate: () => Promise.reject(new Error('no database')) }, 'tls')
    await dialog(server.port, `${HELLO}\nC: AUTH PLAIN ${PLAIN}\nS: 454 Temporary authentication failure`, {
      tls: true,
    })
    assert.ok(server.logged.some((line) => line.includes('no database')))
    assert.ok(server.logged.every((line) => !line.includes(PASSWORD) && !line.includes(PLAIN)))
  })
})
