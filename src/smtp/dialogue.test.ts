import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { createLog } from '../platform/log.ts'
import { fakeClock } from '../../test/support/clock.ts'
import { Dialogue, type Take } from './dialogue.ts'

const words = [
  'EHLO',
  'HELO',
  'AUTH',
  'PLAIN',
  'LOGIN',
  'MAIL',
  'FROM:<a@b.example>',
  'RCPT',
  'TO:<c@d.example>',
  'DATA',
]
const others = [
  'RSET',
  'NOOP',
  'STARTTLS',
  'VRFY',
  'SIZE=1',
  '=',
  '*',
  'AGEAYg==',
  'é',
  '\t',
  '\u0001',
  '<',
  '>',
  '"',
  'x',
]

test('whatever is said gets one reply in proper form, and mail is taken only after a login, a sender and a recipient', async () => {
  const line = fc.array(fc.constantFrom(...words, ...others), { maxLength: 4 }).map((parts) => parts.join(' '))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.boolean(), async (lines, isSecure) => {
      let taken = 0
      const take: Take = async ({ mailFrom, recipients }) => {
        assert.ok(mailFrom !== '' && recipients.length > 0)
        return `Ok ${++taken}`
      }
      const dialogue = new Dialogue({
        hostname: 'ses.example',
        backend: { login: async () => take, anonymous: null, accepts: null },
        isSecure,
        requireTls: true,
        maxMessageBytes: 1000,
        maxErrors: 1000,
        log: createLog('error', fakeClock(), (text) => assert.fail(text)),
      })
      for (const text of lines) {
        const answer = await dialogue.handle({ kind: 'line', text }, 0)
        assert.match(answer.reply, /^(?:(\d{3})-[ -~]*\r\n)*\d{3} [ -~]*\r\n$/)
        assert.ok(isSecure || !answer.reply.startsWith('235'))
        if (answer.next !== 'message') continue
        const said = await dialogue.handle({ kind: 'message', data: Buffer.from('x') }, 0)
        assert.equal(said.reply, `250 Ok ${taken}\r\n`)
      }
    }),
    { numRuns: 300 },
  )
})
