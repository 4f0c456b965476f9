import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitMessage } from './headers.ts'
import { formatDate, rewrite } from './rewrite.ts'

const CHANGES = {
  date: 'Tue, 29 Aug 2023 10:11:12 +0000',
  messageId: '<id@email.amazonses.com>',
  feedbackId: '1.us-east-1.x=:AmazonSES',
}

function rewritten(message: string | Uint8Array): string {
  const split = splitMessage(Buffer.from(message))
  assert.ok(split.ok)
  return rewrite(split.value, CHANGES).toString('latin1')
}

test('Dates are in UTC, in the form of RFC 5322', () => {
  assert.equal(formatDate(Date.UTC(2023, 7, 29, 10, 11, 12, 999)), 'Tue, 29 Aug 2023 10:11:12 +0000')
  assert.equal(formatDate(0), 'Thu, 1 Jan 1970 00:00:00 +0000')
})

test('Date and Message-ID are replaced where they stand, control headers go, Feedback-ID comes last', () => {
  const message = [
    'Return-Path: <ann@example.com>',
    'From: ann@example.com',
    'Message-Id: <mine@example.com>',
    'DATE: Mon, 1 Jan 2001 00:00:00 +0100',
    'Bcc: secret@example.org',
    'X-SES-CONFIGURATION-SET: set',
    'x-ses-message-tags: a=b',
    'X-Other: kept',
    'MIME-Version: 1.0',
    '',
    'Body',
    '',
  ].join('\r\n')
  assert.equal(
    rewritten(message),
    [
      'From: ann@example.com',
      'Message-ID: <id@email.amazonses.com>',
      'Date: Tue, 29 Aug 2023 10:11:12 +0000',
      'X-Other: kept',
      'MIME-Version: 1.0',
      'Feedback-ID: 1.us-east-1.x=:AmazonSES',
      '',
      'Body',
      '',
    ].join('\r\n'),
  )
})

test('Where they are missing, Date comes first and Message-ID before the Subject', () => {
  const head = 'Date: Tue, 29 Aug 2023 10:11:12 +0000\r\n'
  const id = 'Message-ID: <id@email.amazonses.com>\r\n'
  const last = 'Feedback-ID: 1.us-east-1.x=:AmazonSES\r\n\r\n'
  assert.equal(rewritten('From: a@x\r\nSubject: s\r\n\r\n'), `${head}From: a@x\r\n${id}Subject: s\r\n${last}`)
  assert.equal(rewritten('From: a@x\r\n\r\n'), `${head}From: a@x\r\n${id}${last}`)
  assert.equal(rewritten(''), `${head}${id}${last}`)
})

test('Folds and 8-bit octets of other headers and of the body stay', () => {
  const text = rewritten(Buffer.from('Subject: Gr\xfc\xdfe\r\n\tfolded\r\n\r\n\xe9\r\n', 'latin1'))
  assert.match(text, /\r\nSubject: Gr\xfc\xdfe\r\n\tfolded\r\n/)
  assert.ok(text.endsWith('\r\n\r\n\xe9\r\n'))
})

test('Line ends of the body become CRLF', () => {
  const bodies: [body: string, clean: string][] = [
    ['a\nb', 'a\r\nb\r\n'],
    ['a\r\nb\r\n', 'a\r\nb\r\n'],
    ['a\rb\r', 'a\r\nb\r\n'],
    ['a\r\r\nb', 'a\r\n\r\nb\r\n'],
    ['a\n\rb', 'a\r\n\r\nb\r\n'],
    ['a\n.\nb', 'a\r\n.\r\nb\r\n'],
    ['a\0b\r\n', 'ab\r\n'],
    ['', ''],
    ['\0', ''],
  ]
  for (const [body, clean] of bodies) {
    const text = rewritten(`From: a@x\r\n\r\n${body}`)
    assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), clean, JSON.stringify(body))
  }
})

test('Whatever comes in, what goes out has CRLF line ends only, and no NUL', () => {
  const octets = fc
    .array(fc.constantFrom(...Buffer.from('ab: \t\r\n\n\0.\xe4', 'latin1')))
    .map((list) => Buffer.from(list))
  fc.assert(
    fc.property(fc.oneof(octets, fc.uint8Array()), (message) => {
      const split = splitMessage(message)
      if (!split.ok) return
      const text = rewrite(split.value, CHANGES).toString('latin1')
      assert.doesNotMatch(text, /(?<!\r)\n|\r(?!\n)|\0/)
      assert.ok(text.endsWith('\r\n'))
      const again = splitMessage(Buffer.from(text, 'latin1'))
      assert.ok(again.ok)
      assert.equal(again.value.headers.filter(({ lower }) => lower === 'date').length, 1)
    }),
    { numRuns: 1000 },
  )
})
