/** TLS as hosts offer it, break it, and ask for it (RFC 3207, RFC 8461, RFC 7672). */
import { createHash, X509Certificate } from 'node:crypto'
import { certificateFor } from '../../support/internet/certificates.ts'
import type { Behaviour } from '../../support/internet/mx.ts'
import { dsn } from '../../support/reports.ts'
import { bounced, delivered, expired, ours, type Row } from '../../support/internet/rows.ts'

type Kind = 'good' | 'expired' | 'selfSigned'

/** A row whose host has a certificate for its name. */
async function row(kind: Kind, given: Omit<Row, 'hosts'> & { readonly behaviour?: Behaviour }): Promise<Row> {
  const { behaviour, ...rest } = given
  return { ...rest, hosts: { mx: { certificate: await certificateFor(`mx.${rest.domain}`, kind), ...behaviour } } }
}

const PRIVATE = delivered({ tls: 'TLSv1.3' })
const CLEAR = delivered()
const BROKEN = { starttls: ['220 Go', 'garbage'] } as const
const FAILED = ours(/454 4\.7\.10 TLS handshake failed: \w+/)
const NOT_OFFERED = ours('454 4.7.10 TLS is not offered')
const EXPIRED = ours('454 4.7.10 Certificate not trusted: CERT_HAS_EXPIRED')

const opportunistic = [
  row('good', { domain: 'tls.test', does: 'offers TLS', fates: [PRIVATE] }),
  row('expired', { domain: 'tls-expired.test', does: 'has an expired certificate, as many do', fates: [PRIVATE] }),
  row('selfSigned', { domain: 'tls-own.test', does: 'signed its certificate itself, as most do', fates: [PRIVATE] }),
  row('good', {
    domain: 'tls-unknown.test',
    does: 'offers TLS, and does not know the recipient',
    behaviour: { rcpt: '550 5.1.1 No such user' },
    fates: [bounced('Permanent/General', '550 5.1.1 No such user', { tls: 'TLSv1.3', suppresses: true })],
  }),
  row('good', {
    domain: 'tls-bounces.test',
    does: 'offers TLS, and bounces later',
    reports: [({ returnPath, recipients: [recipient = ''] }) => ({ to: returnPath, lines: dsn({ recipient }) })],
    fates: [
      PRIVATE,
      bounced('Permanent/General', '550 5.1.1 User unknown', {
        tls: 'TLSv1.3',
        reportedBy: 'inner.one.test',
        suppresses: true,
      }),
    ],
  }),
  row('good', {
    domain: 'tls-old.test',
    does: 'knows TLS 1.2',
    behaviour: { maxTlsVersion: 'TLSv1.2' },
    fates: [delivered({ tls: 'TLSv1.2' })],
  }),
  row('good', {
    domain: 'tls-ancient.test',
    does: 'knows TLS 1.0 only',
    behaviour: { maxTlsVersion: 'TLSv1' },
    fates: [delivered({ tls: 'TLSv1' })],
  }),
  row('good', { domain: 'tls-broken.test', does: 'breaks TLS', behaviour: BROKEN, fates: [CLEAR] }),
  row('good', {
    domain: 'tls-refused.test',
    does: 'offers STARTTLS and refuses it',
    behaviour: { starttls: '454 4.7.0 Not now' },
    fates: [CLEAR],
  }),
  row('good', {
    domain: 'tls-drops.test',
    does: 'hangs up at STARTTLS',
    behaviour: { starttls: 'drop' },
    fates: [CLEAR],
  }),
  row('good', {
    domain: 'tls-injected.test',
    does: 'has somebody before it who slips a reply in before TLS',
    behaviour: { starttls: 'raw:220 Go\r\n250-mx.test\r\n250 AUTH' },
    fates: [CLEAR],
  }),
]

const REQUIRE = { TlsPolicy: 'REQUIRE' } as const
const required = [
  row('good', { domain: 'must.test', does: 'offers TLS, which the sender requires', set: REQUIRE, fates: [PRIVATE] }),
  row('expired', {
    domain: 'must-expired.test',
    does: 'has an expired certificate, which does for a sender who requires TLS',
    set: REQUIRE,
    fates: [PRIVATE],
  }),
  Promise.resolve<Row>({
    domain: 'must-not-offered.test',
    does: 'offers no TLS, which the sender requires',
    set: REQUIRE,
    fates: [bounced('Permanent/General', '554 5.7.10 TLS is not offered')],
  }),
  Promise.resolve<Row>({
    domain: 'must-second.test',
    does: 'has a best host without TLS, which the sender requires, and one with it',
    set: REQUIRE,
    hosts: { first: {}, second: { certificate: await certificateFor('second.must-second.test') } },
    zone: ['@ MX 10 first', '@ MX 20 second'],
    fates: [delivered({ at: 'second', tls: 'TLSv1.3' })],
  }),
  row('good', {
    domain: 'must-broken.test',
    does: 'breaks TLS, which the sender requires',
    set: REQUIRE,
    behaviour: BROKEN,
    fates: expired('General', FAILED),
  }),
  row('good', {
    domain: 'must-later.test',
    does: 'puts off TLS, which the sender requires',
    set: REQUIRE,
    behaviour: { starttls: '454 4.7.0 TLS not available' },
    fates: expired('General', ours('454 4.7.10 TLS not available')),
  }),
]

const policy = (mode: string, mx: string) => ({
  policy: `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: 604800\r\n`,
})
const mtaSts = [
  row('good', {
    domain: 'sts.test',
    does: 'enforces MTA-STS, and keeps to it',
    sts: policy('enforce', 'mx.sts.test'),
    fates: [PRIVATE],
  }),
  row('expired', {
    domain: 'sts-expired.test',
    does: 'enforces MTA-STS, and has an expired certificate',
    sts: policy('enforce', '*.sts-expired.test'),
    fates: expired('General', EXPIRED),
  }),
  Promise.resolve<Row>({
    domain: 'sts-stripped.test',
    does: 'enforces MTA-STS, and somebody strips STARTTLS',
    sts: policy('enforce', '*.sts-stripped.test'),
    fates: expired('General', NOT_OFFERED),
  }),
  row('good', {
    domain: 'sts-other.test',
    does: 'enforces MTA-STS for other hosts than DNS names',
    sts: policy('enforce', 'mx.elsewhere.test'),
    fates: expired('General', ours('454 4.7.5 mx.sts-other.test: the host is not in the MTA-STS policy'), { at: null }),
  }),
  row('expired', {
    domain: 'sts-testing.test',
    does: 'tries MTA-STS out, with an expired certificate',
    sts: policy('testing', 'mx.sts-testing.test'),
    fates: [PRIVATE],
  }),
  Promise.resolve<Row>({
    domain: 'sts-forged.test',
    does: 'has a policy host that nobody vouches for',
    sts: { ...policy('enforce', 'mx.elsewhere.test'), certificate: 'expired' },
    fates: [CLEAR],
  }),
]

/** DNSSEC vouches for the domain and its host, and TLSA records for the certificate `of`. */
async function dane(domain: string, of = `mx.${domain}`): Promise<string[]> {
  const { raw } = new X509Certificate((await certificateFor(of)).cert)
  const digest = createHash('sha256').update(raw).digest('hex')
  return ['@ MX 10 mx', '@ SIGNED', 'mx SIGNED', `_MXPORT._tcp.mx TLSA 3 0 1 ${digest}`, '_MXPORT._tcp.mx SIGNED']
}

export async function tlsRows(): Promise<readonly Row[]> {
  return Promise.all([
    ...opportunistic,
    ...required,
    ...mtaSts,
    row('good', {
      domain: 'dane.test',
      does: 'has DANE, and the certificate that it speaks of',
      zone: await dane('dane.test'),
      fates: [PRIVATE],
    }),
    row('good', {
      domain: 'dane-other.test',
      does: 'has DANE, and another certificate',
      zone: await dane('dane-other.test', 'other.test'),
      fates: expired('General', ours('454 4.7.10 Certificate not trusted: no TLSA record matches')),
    }),
    Promise.resolve({
      domain: 'dane-stripped.test' as const,
      does: 'has DANE, and somebody strips STARTTLS',
      zone: await dane('dane-stripped.test'),
      fates: expired('General', NOT_OFFERED),
    }),
    row('good', {
      domain: 'dane-silent.test',
      does: 'has DANE, of which DNS says nothing',
      zone: ['@ MX 10 mx', '@ SIGNED', 'mx SIGNED', '_MXPORT._tcp.mx SERVFAIL'],
      fates: expired('General', ours('454 4.7.5 Unable to lookup the TLSA records of mx.dane-silent.test'), {
        at: null,
      }),
    }),
  ])
}
