import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { addressIn, readFieldGroups } from './fields.ts'
import { readReport } from './read-report.ts'

const pieces = fc.constantFrom(
  'From: MAILER-DAEMON@x',
  'X-Failed-Recipients: a@b.example, c',
  'Subject: failure notice',
  'Content-Type: multipart/report; boundary=B',
  'Content-Type: message/delivery-status',
  'Content-Type: message/feedback-report',
  'Content-Type: message/rfc822',
  'Content-Transfer-Encoding: base64',
  '--B',
  '--B--',
  'Final-Recipient: rfc822; a@b.example',
  'Original-Recipient: rfc822',
  'Action: failed',
  'Status: 5.1.1',
  'Feedback-Type: abuse',
  'Arrival-Date: yesterday',
  '__proto__: x',
  '<a@b.example>:',
  '  a@b.example',
  '550 5.1.1 no',
  '------ This is a copy of the message ------',
  'Received: x',
  ' folded',
  '',
  '@@@@',
  '=',
)
const anyMail = fc.oneof(
  fc.uint8Array({ maxLength: 500 }).map((octets) => Buffer.from(octets)),
  fc
    .tuple(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 30 }), fc.constantFrom('\r\n', '\n', '\r'))
    .map(([lines, end]) => Buffer.from(lines.join(end))),
)

describe('any mail', () => {
  test('is read as a report of some kind, without failing', () => {
    fc.assert(
      fc.property(anyMail, fc.constantFrom('', 'a@b.example'), (raw, sender) => {
        const found = readReport(raw, sender)
        if (found.kind !== 'delivery') return
        assert.ok(found.recipients.length > 0)
        for (const { finalRecipient, diagnosticCode, status } of found.recipients) {
          if (finalRecipient !== null) assert.match(finalRecipient, /^[^@\s]{1,64}@[^@\s]{1,255}$/)
          assert.ok((diagnosticCode ?? '').length <= 4096)
          if (status !== null) assert.match(status, /^[245]\.\d{1,3}\.\d{1,3}$/)
        }
      }),
      { numRuns: 2000 },
    )
  })

  // No limit of time is asserted: what is not linear would not end here.
  test('of some megabytes ends soon', () => {
    const heads = [
      'From: MAILER-DAEMON@x\r\nSubject: failure notice\r\n\r\n',
      'Content-Type: message/delivery-status\r\n\r\n',
      'Content-Type: message/feedback-report\r\n\r\n',
      '',
    ]
    const bodies = [
      'a@',
      '@',
      'a'.repeat(80),
      ' ',
      '\t',
      '<a@b.example>:\r\n',
      'Final-Recipient: x\r\n',
      'a:b\r\n',
      'a:b\r\n\r\n',
      '\r\n',
      '5.1.1.',
      'Received',
      '(',
      '--',
      ' \r\n',
      '----- original message\r\n',
      '=?utf-8?q?',
    ]
    for (const head of heads) {
      for (const body of bodies) readReport(Buffer.from(head + body.repeat(Math.ceil(3_000_000 / body.length))), '')
    }
  })
})

describe('groups of fields', () => {
  test('keep every value of a name, also of one that objects have already', () => {
    const [group] = readFieldGroups('__proto__: a\r\nX: 1\r\nx:2\r\nno field\r\n : none', new Set())
    assert.deepEqual(
      [...(group ?? [])],
      [
        ['__proto__', ['a']],
        ['x', ['1', '2']],
      ],
    )
  })

  test('give back what was written', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z-]{0,10}$/)
    const value = fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/)
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 5 }), { maxLength: 5 }),
        (groups) => {
          const text = groups
            .map((fields) => fields.map(([n, v]) => `${n}: ${v.replaceAll(/ +/g, '\r\n ')}\r\n`).join(''))
            .join('\r\n')
          const expected = groups.map((fields) =>
            [...Map.groupBy(fields, ([n]) => n.toLowerCase())].map(([n, all]) => [
              n,
              all.map(([, v]) => v.replaceAll(/ +/g, ' ')),
            ]),
          )
          assert.deepEqual(
            readFieldGroups(text, new Set()).map((group) => [...group]),
            expected,
          )
        },
      ),
    )
  })
})

test('addresses are found in texts', () => {
  const found = (text: string) => addressIn(text)?.address ?? null
  assert.equal(found('to <ann+x@example.org>, that is'), 'ann+x@example.org')
  assert.equal(found('to ann@example.org.'), 'ann@example.org')
  assert.equal(found('@ @x a@ b@c'), 'b@c')
  assert.equal(found('nobody'), null)
})
