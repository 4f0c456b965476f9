import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { SesError } from '../errors/fail.ts'
import { errorReply, reply } from './replies.ts'

for (const [failure, text, wire] of [
  ['MessageRejected', 'Email address is not verified.', '554 Message rejected: Email address is not verified.\r\n'],
  ['InvalidParameterValue', "Missing final '@domain'", "554 Transaction failed: Missing final '@domain'\r\n"],
  ['AccessDenied', "User `a' is not", "554 Access denied: User `a' is not\r\n"],
  ['MailFromDomainNotVerified', 'DNS', '554 MAIL FROM domain not verified: DNS\r\n'],
  ['SendingThrottled', 'Daily message quota exceeded.', '454 Throttling failure: Daily message quota exceeded.\r\n'],
  ['MessageTooLong', 'not shown', '552 Message is too long.\r\n'],
  ['InternalFailure', 'not shown', '451 Temporary service failure\r\n'],
  ['NotImplemented', 'Not yet.', '502 Not yet.\r\n'],
  ['NotImplemented', null, '502 NotImplemented\r\n'],
  ['MessageRejected', null, '554 Message rejected\r\n'],
] as const) {
  test(`${failure} with ${text === null ? 'no text' : 'a text'} is told as ${wire.trim()}`, () => {
    assert.equal(errorReply(new SesError(failure, text)), wire)
  })
}

test('lines of a text become lines of the reply', () => {
  assert.equal(reply(554, 'a\r\nb\nc\rd'), '554-a\r\n554-b\r\n554-c\r\n554 d\r\n')
})

test('a text can neither add replies nor leave printable ASCII', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('\r', '\n', '\0', '\t', 'é', '😀', 'a', ' ', '2'), maxLength: 3000 }),
      (text) => {
        const lines = reply(554, text).split('\r\n')
        assert.equal(lines.pop(), '')
        for (const [i, line] of lines.entries())
          assert.match(line, i < lines.length - 1 ? /^554-[ -~]*$/ : /^554 [ -~]*$/)
        assert.ok(lines.join('').length < 20_000)
      },
    ),
  )
})
