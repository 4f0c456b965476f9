import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { splitMessage } from '../headers.ts'
import { mayBeAnswered } from './auto-reply.ts'
import { buildComplaint, type Complaint } from './build-complaint.ts'
import { readReport } from './read-report.ts'

const NOON = Date.UTC(2026, 0, 15, 12)
const COMPLAINT: Complaint = {
  from: 'complaints@email-abuse.amazonses.com',
  to: 'feedback@example.com',
  messageId: '<0100019b-0-0@email.amazonses.com>',
  at: NOON,
  feedbackType: 'abuse',
  userAgent: 'OneLoop/1.0',
  arrivedAt: NOON - 1000,
  sourceIp: '192.0.2.1',
  returnPath: 'id@amazonses.com',
  recipients: ['ann@example.org', 'bob@example.org'],
  original: Buffer.from('From: shop@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: x\r\n\r\nGrüße\r\n'),
  maxOriginalOctets: 10_000,
}

describe('a complaint that is forwarded', () => {
  test('is a report as providers write them', async () => {
    const octets = buildComplaint(COMPLAINT)
    const mail = await simpleParser(octets)
    assert.equal(mail.subject, 'complaint about message from 192.0.2.1')
    assert.match(mail.text ?? '', /^This is a report \(abuse\) about an email message received from IP 192\.0\.2\.1 on/)
    const report = readReport(octets, '')
    assert.ok(report.kind === 'feedback')
    assert.deepEqual(
      { ...report, returned: report.returned?.messageId },
      {
        kind: 'feedback',
        feedbackType: 'abuse',
        userAgent: 'OneLoop/1.0',
        arrivedAt: NOON - 1000,
        originalMailFrom: 'id@amazonses.com',
        originalRecipients: ['ann@example.org', 'bob@example.org'],
        sourceIp: '192.0.2.1',
        returned: '<1@example.com>',
      },
    )
  })

  test('without what nobody said', () => {
    const bare = { ...COMPLAINT, userAgent: null, arrivedAt: null, sourceIp: null }
    const text = buildComplaint(bare).toString()
    assert.match(text, /^Subject: complaint about a message\r$/m)
    assert.match(text, /^User-Agent: unknown\r$/m)
    assert.doesNotMatch(text, /^(?:Arrival-Date|Source-IP):/m)
  })

  test('is answered by nobody', () => {
    const message = splitMessage(buildComplaint(COMPLAINT))
    assert.ok(message.ok)
    assert.equal(mayBeAnswered('ann@example.org', message.value.headers), false)
  })

  test('keeps the texts of others in their places', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (text, original) => {
        const complaint = {
          ...COMPLAINT,
          userAgent: text,
          sourceIp: text,
          returnPath: text,
          recipients: [text],
          original,
        }
        const message = splitMessage(buildComplaint(complaint))
        assert.ok(message.ok)
        assert.deepEqual(
          message.value.headers.map(({ lower }) => lower).filter((name) => name !== 'content-transfer-encoding'),
          ['from', 'to', 'date', 'message-id', 'subject', 'auto-submitted', 'mime-version', 'content-type'],
        )
      }),
    )
  })
})
