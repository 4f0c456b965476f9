import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkHeaders, headerField, joinMessage, splitMessage } from './headers.ts'

function split(text: string) {
  const result = splitMessage(Buffer.from(text, 'latin1'))
  if (!result.ok) return result.error
  const { headers, body } = result.value
  return { fields: headers.map(({ name, value }) => [name, value]), body: Buffer.from(body).toString('latin1') }
}

test('A message is taken apart at its blank line', () => {
  const parts = {
    fields: [
      ['From', 'a@x'],
      ['Subject', 'Hi there'],
    ],
    body: 'Body\r\n\r\nmore',
  }
  assert.deepEqual(split('From: a@x\r\nSubject:Hi there \r\n\r\nBody\r\n\r\nmore'), parts)
  assert.deepEqual(split('From: a@x\nSubject: Hi there\n\nBody\r\n\r\nmore'), parts)
  assert.deepEqual(
    split('From nobody Mon Jan  1 00:00:00 2024\nFrom: a@x\nSubject : Hi there\n\nBody\r\n\r\nmore'),
    parts,
  )
})

test('What has no header section is all body', () => {
  assert.deepEqual(split(''), { fields: [], body: '' })
  assert.deepEqual(split('\r\nBody'), { fields: [], body: 'Body' })
  assert.deepEqual(split('Just text.\r\nMore'), { fields: [], body: 'Just text.\r\nMore' })
  assert.deepEqual(split(' folded: nothing\r\n\r\nBody'), { fields: [], body: ' folded: nothing\r\n\r\nBody' })
})

test('A line that cannot be a field begins the body', () => {
  assert.deepEqual(split('From: a@x\r\nHello\r\nTo: b@x\r\n\r\n'), {
    fields: [['From', 'a@x']],
    body: 'Hello\r\nTo: b@x\r\n\r\n',
  })
})

test('A message may end within its header section', () => {
  assert.deepEqual(split('From: a@x'), { fields: [['From', 'a@x']], body: '' })
  assert.deepEqual(split('From: a@x\r\n b'), { fields: [['From', 'a@x b']], body: '' })
  assert.deepEqual(split('From: a@x\r\n'), { fields: [['From', 'a@x']], body: '' })
})

test('Values are unfolded, and 8-bit text is read', () => {
  assert.deepEqual(split('A: one\r\n\ttwo\r\n  three\r\n\r\n'), { fields: [['A', 'one two  three']], body: '' })
  assert.deepEqual(split('A: x; \r\n\tboundary=y\r\n\r\n'), { fields: [['A', 'x;  boundary=y']], body: '' })
  assert.deepEqual(split(`A: ${Buffer.from('Grüße €').toString('latin1')}\r\n\r\n`), {
    fields: [['A', 'Grüße €']],
    body: '',
  })
  assert.deepEqual(split('A: Gr\xfc\xdfe\r\n\r\n'), { fields: [['A', 'Grüße']], body: '' })
  assert.deepEqual(split('A:\r\n\r\n'), { fields: [['A', '']], body: '' })
})

test('Stray line ends and NULs within a field become spaces', () => {
  const result = splitMessage(Buffer.from('A: b\rBcc: c\0d\n\te\r\n\r\n'))
  assert.ok(result.ok)
  assert.deepEqual(result.value.headers, [
    { name: 'A', lower: 'a', value: 'b Bcc: c d e', raw: 'A: b Bcc: c d\r\n\te\r\n' },
  ])
})

test('Header sections that SES refuses are refused in its words', () => {
  assert.equal(split(': x\r\n\r\n'), 'Empty header names are illegal.')
  assert.equal(split('From: a@x\r\n : x\r\n:y\r\n\r\n'), 'Empty header names are illegal.')
  assert.equal(
    split('<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://x">'),
    `Illegal header '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http'.`,
  )
  assert.equal(split('X-\xe4: b\r\n\r\n'), "Illegal header 'X-\xe4'.")
  assert.equal(split('A: b\r\n'.repeat(1001)), 'Header section too long.')
  assert.equal(split(`A: ${'b'.repeat(300_000)}\r\n\r\n`), 'Header section too long.')
  assert.equal(split(`A: b\r\n${' c\r\n'.repeat(100_000)}\r\n`), 'Header section too long.')
})

test('A long section is read as a short one is', () => {
  const value = 'v'.repeat(900)
  for (const count of [10, 17, 18, 19, 60, 100, 250]) {
    const result = split(`${`A: ${value}\r\n`.repeat(count)}\r\nBody`)
    assert.deepEqual(result, { fields: Array.from({ length: count }, () => ['A', value]), body: 'Body' })
  }
})

test('A body without a header section may be of any length', () => {
  assert.deepEqual(split('no header\n'.repeat(50_000)), { fields: [], body: 'no header\n'.repeat(50_000) })
})

const fieldName = fc.stringMatching(/^[!-9;-~]{1,20}$/).filter((name) => name !== 'From')
const fieldLine = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((c) => String.fromCharCode(c)) })
const field = fc
  .tuple(fieldName, fieldLine, fc.array(fc.tuple(fc.constantFrom(' ', '\t'), fieldLine), { maxLength: 3 }))
  .map(([name, first, rest]) => `${name}:${first}\r\n${rest.map(([space, line]) => `${space}${line}\r\n`).join('')}`)

test('Taking apart and putting together gives the same octets', () => {
  fc.assert(
    fc.property(fc.array(field), fc.uint8Array(), (fields, body) => {
      const message = Buffer.concat([Buffer.from(`${fields.join('')}\r\n`, 'latin1'), body])
      const result = splitMessage(message)
      assert.ok(result.ok)
      assert.equal(result.value.headers.length, fields.length)
      assert.deepEqual(joinMessage(result.value.headers, result.value.body), message)
    }),
    { numRuns: 500 },
  )
})

test('No octets make it throw, and what it puts together has clean header lines', () => {
  const octets = fc
    .array(fc.constantFrom(...Buffer.from('ab:  \t\r\n\n\0\xe4', 'latin1')))
    .map((list) => Buffer.from(list))
  fc.assert(
    fc.property(fc.oneof(octets, fc.uint8Array()), (message) => {
      const result = splitMessage(message)
      if (!result.ok) return
      const { headers, body } = result.value
      for (const { raw } of headers) assert.match(raw, /^[!-9;-~]+[ \t]*:(?:[^\r\n\0]|\r\n[ \t])*\r\n$/)
      const again = splitMessage(joinMessage(headers, body))
      assert.ok(again.ok)
      assert.deepEqual(again.value.headers, headers)
    }),
    { numRuns: 2000 },
  )
})

test('A new field is folded where there is white space', () => {
  const words = 'word '.repeat(40).trim()
  const { raw, value } = headerField('X-Words', words)
  assert.ok(raw.split('\r\n').every((line) => line.length <= 76))
  assert.equal(value, words)
  assert.deepEqual(split(`${raw}\r\n`), { fields: [['X-Words', words]], body: '' })
  assert.equal(headerField('X', `${'a'.repeat(200)} b`).raw, `X: ${'a'.repeat(200)}\r\n b\r\n`)
})

test('A new field says what it was given, and never more than one field', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'ab \t\r\n\0:é') })),
      (name, value) => {
        const made = headerField(`X${name}`, value)
        assert.match(made.raw, /^X[!-9;-~]*:(?:[\t -~]|\r\n[ \t])*\r\n$/)
        assert.doesNotMatch(made.raw, /\n[ \t]+\r/)
        const result = splitMessage(Buffer.from(`${made.raw}\r\n`, 'latin1'))
        assert.ok(result.ok)
        // A tab at which the field is folded is read as a space.
        const read = result.value.headers.map((each) => each.value.replaceAll('\t', ' '))
        assert.deepEqual(read, [made.value.replaceAll('\t', ' ')])
      },
    ),
    { numRuns: 1000 },
  )
})

test('In a field of addresses only the names are encoded', () => {
  assert.equal(headerField('From', 'Jörg <j@example.com>').raw, 'From: =?UTF-8?Q?J=C3=B6rg?= <j@example.com>\r\n')
  assert.equal(headerField('X-Greeting', 'Grüße').raw, 'X-Greeting: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\n')
})

test('A field that may appear once is refused the second time', () => {
  const fields = (...names: string[]) => checkHeaders(names.map((name) => headerField(name, 'x')))
  const once =
    `Accept-Language acceptLanguage Archived-At Auto-Submitted Bounces-to Comments Content-Alternative Content-Base
    Content-Class Content-Description Content-Disposition Content-Duration Content-ID Content-Language Content-Length
    Content-Location Content-MD5 Content-Transfer-Encoding Content-Type Date Delivered-To Disposition-Notification-Options
    Disposition-Notification-To DKIM-Signature DomainKey-Signature Errors-To From Importance In-Reply-To Keywords
    List-Archive List-Help List-Id List-Owner List-Post List-Subscribe List-Unsubscribe Message-Context Message-ID
    MIME-Version Organization Original-From Original-Message-ID Original-Recipient Original-Subject Precedence Priority
    References Reply-To Return-Path Return-Receipt-To Sender Solicitation Sensitivity Subject Thread-Index Thread-Topic
    User-Agent VBR-Info`.split(/\s+/)
  for (const name of once) {
    assert.equal(fields('X-A', name, 'X-B'), null)
    assert.equal(fields(name, 'X-A', name), `Duplicate header '${name}'.`)
    assert.equal(fields(name.toLowerCase(), name), `Duplicate header '${name}'.`)
  }
  for (const name of ['To', 'Cc', 'Bcc', 'Received', 'Resent-To', 'X-Custom', '__proto__'])
    assert.equal(fields(name, name), null)
  assert.equal(fields('From', 'Old-Return-Path'), "Illegal header 'Old-Return-Path'.")
})
