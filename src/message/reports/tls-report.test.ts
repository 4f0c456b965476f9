import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { joinMessage } from '../headers.ts'
import { buildTlsReportMail } from './tls-report-mail.ts'
import { buildTlsReport, dayName, dayNamed, type TlsSessions } from './tls-report.ts'
import { reportAddresses } from './tls-rua.ts'

const DAY = dayNamed('2026-01-15')!
const STS = {
  type: 'sts',
  domain: 'example.com',
  lines: ['version: STSv1', 'mode: testing', 'mx: *.example.com', 'max_age: 86400'],
  mxHosts: ['*.example.com'],
}
const NONE = { type: 'no-policy-found', domain: 'example.com', lines: [], mxHosts: [] }
const EXPIRED = {
  type: 'certificate-expired',
  reason: 'CERT_HAS_EXPIRED',
  host: 'mx1.example.com',
  helo: 'mail',
  ip: '192.0.2.1',
  egressIp: '198.51.100.1',
}
const UNKNOWN = { type: 'sts-policy-fetch-error', reason: 'HTTP 404', host: '', helo: '', ip: '', egressIp: '' }

function report(sessions: readonly TlsSessions[]) {
  return buildTlsReport({
    domain: 'example.com',
    day: DAY,
    submitter: 'out.test',
    contact: 'postmaster@out.test',
    sessions,
  })
}

describe('a TLS report', () => {
  test('has the form of RFC 8460 §4.4', () => {
    const sessions = [
      { policy: STS, failure: null, sessions: 5326 },
      { policy: STS, failure: EXPIRED, sessions: 100 },
      { policy: STS, failure: UNKNOWN, sessions: 3 },
      { policy: NONE, failure: null, sessions: 7 },
    ]
    assert.deepEqual(report(sessions), {
      'organization-name': 'out.test',
      'date-range': { 'start-datetime': '2026-01-15T00:00:00Z', 'end-datetime': '2026-01-15T23:59:59Z' },
      'contact-info': 'postmaster@out.test',
      'report-id': '2026-01-15.example.com@out.test',
      policies: [
        {
          policy: {
            'policy-type': 'sts',
            'policy-string': STS.lines,
            'policy-domain': 'example.com',
            'mx-host': ['*.example.com'],
          },
          summary: { 'total-successful-session-count': 5326, 'total-failure-session-count': 103 },
          'failure-details': [
            {
              'result-type': 'certificate-expired',
              'sending-mta-ip': '198.51.100.1',
              'receiving-mx-hostname': 'mx1.example.com',
              'receiving-mx-helo': 'mail',
              'receiving-ip': '192.0.2.1',
              'failed-session-count': 100,
              'failure-reason-code': 'CERT_HAS_EXPIRED',
            },
            { 'result-type': 'sts-policy-fetch-error', 'failed-session-count': 3, 'failure-reason-code': 'HTTP 404' },
          ],
        },
        {
          policy: { 'policy-type': 'no-policy-found', 'policy-domain': 'example.com' },
          summary: { 'total-successful-session-count': 7, 'total-failure-session-count': 0 },
        },
      ],
    })
  })

  test('as mail is a multipart/report with the report as an attachment (§5.3)', async () => {
    const told = report([{ policy: NONE, failure: null, sessions: 7 }])
    const { headers, body } = buildTlsReportMail({
      from: 'tls-reports@out.test',
      to: 'tls@example.com',
      domain: 'example.com',
      day: DAY,
      submitter: 'out.test',
      report: told,
      compressed: gzipSync(JSON.stringify(told)),
    })
    const mail = await simpleParser(joinMessage(headers, body))
    assert.equal(mail.headers.get('tls-report-domain'), 'example.com')
    assert.equal(mail.headers.get('tls-report-submitter'), 'out.test')
    assert.equal(
      mail.subject,
      'Report Domain: example.com Submitter: out.test Report-ID: <2026-01-15.example.com@out.test>',
    )
    const type = mail.headers.get('content-type') as { value: string; params: Record<string, string> }
    assert.deepEqual([type.value, type.params['report-type']], ['multipart/report', 'tlsrpt'])
    const [attachment] = mail.attachments
    assert.deepEqual(
      [attachment!.contentType, attachment!.filename],
      ['application/tlsrpt+gzip', 'out.test!example.com!1768435200!1768521599.json.gz'],
    )
    assert.deepEqual(JSON.parse(gunzipSync(attachment!.content).toString()), told)
    assert.match(mail.text ?? '', /aggregate TLS report from out\.test about example\.com/)
  })

  test('days have names', () => {
    assert.equal(dayName(DAY), '2026-01-15')
    for (const text of ['', 'today', '2026-1-1', '2026-13-01', '2026-01-15T00:00:00Z']) {
      assert.equal(dayNamed(text), undefined, text)
    }
  })
})

describe('who wants reports', () => {
  const rows: readonly (readonly [records: readonly string[], wanted: readonly string[]])[] = [
    [['v=TLSRPTv1; rua=mailto:tls@example.com'], ['tls@example.com']],
    [['v=TLSRPTv1;rua=mailto:tls@example.com;'], ['tls@example.com']],
    [
      ['x', 'v=TLSRPTv1; rua=mailto:a@b.test , https://r.test/v1/tls?x=1'],
      ['a@b.test', 'https://r.test/v1/tls?x=1'],
    ],
    [['v=TLSRPTv1; x=y; rua=MAILTO:a%2Bb@example.com?subject=TLS'], ['a+b@example.com']],
    [['v=TLSRPTv1; rua=mailto:a@b.test', 'v=TLSRPTv1; rua=mailto:c@d.test'], []],
    [['v=TLSRPTv2; rua=mailto:a@b.test'], []],
    [['v=TLSRPTv1'], []],
    [['v=TLSRPTv1; rua='], []],
    [['v=TLSRPTv1; rua=mailto:a@b.test%2Cc@d.test'], []],
    [['v=TLSRPTv1; rua=mailto:Ann%20%3Ca@b.test%3E'], []],
    [['v=TLSRPTv1; rua=mailto:a@b.test%0D%0ABcc:c@d.test'], []],
    [['v=TLSRPTv1; rua=mailto:%zz'], []],
    [['v=TLSRPTv1; rua=http://r.test/,ftp://r.test/,https://a:b@r.test/'], []],
    [
      [`v=TLSRPTv1; rua=${Array.from({ length: 9 }, (_, n) => `mailto:${n}@b.test`).join()}`],
      ['0', '1', '2', '3', '4'].map((n) => `${n}@b.test`),
    ],
  ]
  for (const [records, wanted] of rows) {
    test(`${records.join(' | ').slice(0, 80)}: ${wanted.join(', ') || 'nobody'}`, () => {
      const found = reportAddresses(records).map((each) =>
        each.kind === 'mailto' ? each.mailbox.address : each.url.href,
      )
      assert.deepEqual(found, wanted)
    })
  }

  test('whatever is in the record, an address is one line of ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const each of reportAddresses([`v=TLSRPTv1; rua=mailto:${text}`, 'other'])) {
          if (each.kind === 'mailto') assert.match(each.mailbox.address, /^[!-~]+@[!-~]+$/)
        }
      }),
    )
  })
})
