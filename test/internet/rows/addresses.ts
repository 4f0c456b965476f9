/** Domains whose hosts are found, or not, in all the ways of DNS (RFC 5321 §5.1). */
import { bounced, DEAD, delivered, expired, NETWORK, ours, type Row } from '../../support/internet/rows.ts'

const noAnswer = (name: string) => ours(`421 4.4.0 Unable to lookup DNS for ${name}`)
const noLookup = (domain: string, why: string) => `Unable to lookup DNS for ${domain}: ${why}`
const forbidden = (host: string, address: string) =>
  `554 5.4.4 ${host} [${address}] is not an address on the public Internet`
const HARD = 'Permanent/General'
/** DNS’s word on the address itself. */
const NOBODY = { at: null, suppresses: true } as const

export const ADDRESSES: readonly Row[] = [
  { domain: 'usual.test', does: 'has one host', fates: [delivered()] },
  {
    domain: 'first-silent.test',
    does: 'has a best host that DNS says nothing of',
    hosts: { second: {} },
    zone: ['@ MX 10 first', '@ MX 20 second', 'first SERVFAIL'],
    fates: [delivered({ at: 'second' })],
  },
  {
    domain: 'first-gone.test',
    does: 'has a best host that does not exist',
    hosts: { second: {} },
    zone: ['@ MX 10 first', '@ MX 20 second'],
    fates: [delivered({ at: 'second' })],
  },
  {
    domain: 'implicit.test',
    does: 'has no MX and is its own host',
    hosts: { '@': {} },
    zone: [],
    fates: [delivered({ at: '@' })],
  },
  {
    domain: 'alias-host.test',
    does: 'has a host that is an alias',
    hosts: { real: {} },
    zone: ['@ MX 10 mx', 'mx CNAME real'],
    fates: [delivered({ at: 'real' })],
  },
  {
    domain: 'alias.test',
    does: 'is an alias itself',
    zone: ['@ CNAME behind', 'behind MX 10 mx'],
    fates: [delivered()],
  },
  {
    domain: 'null-and-more.test',
    does: 'has a null MX beside a host',
    zone: ['@ MX 0 .', '@ MX 10 mx'],
    fates: [delivered()],
  },
  {
    domain: 'null-mx.test',
    does: 'takes no mail (null MX)',
    hosts: {},
    zone: ['@ MX 0 .'],
    fates: [bounced(HARD, '556 5.1.10 null-mx.test does not accept mail (null MX)', NOBODY)],
  },
  {
    domain: 'nowhere.test',
    does: 'does not exist',
    hosts: {},
    zone: [],
    fates: [bounced(HARD, `550 5.1.2 ${noLookup('nowhere.test', 'there is no such domain')}`, NOBODY)],
  },
  {
    domain: 'homeless.test',
    does: 'exists without host and address',
    hosts: {},
    zone: ['@ TXT hello'],
    fates: [bounced(HARD, `550 5.4.4 ${noLookup('homeless.test', 'it has no address')}`, { at: null })],
  },
  {
    domain: 'no-name.test',
    does: 'has hosts with names that are none',
    hosts: {},
    zone: ['@ MX 10 a"b.', '@ MX 20 x/y.'],
    fates: [bounced(HARD, `550 5.1.2 ${noLookup('no-name.test', 'its mail hosts are no host names')}`, NOBODY)],
  },
  {
    domain: 'servfail.test',
    does: 'has a name server that fails',
    hosts: {},
    zone: ['@ SERVFAIL'],
    fates: expired(NETWORK, noAnswer('servfail.test'), { at: null }),
  },
  {
    domain: 'servfail-host.test',
    does: 'has hosts that DNS says nothing of',
    hosts: {},
    zone: ['@ MX 10 mx', 'mx SERVFAIL'],
    fates: expired(NETWORK, noAnswer('mx.servfail-host.test'), { at: null }),
  },
  {
    domain: 'loop.test',
    does: 'has us as its best host',
    hosts: { other: {} },
    zone: ['@ MX 10 out.sesame.test.', '@ MX 20 other'],
    fates: [bounced(HARD, '554 5.4.6 Mail for loop.test leads back to us', { at: null })],
  },
  {
    domain: 'worse-than-us.test',
    does: 'has us as a host behind one that is dead, and a worse one that lives',
    hosts: { worse: {} },
    zone: ['@ MX 10 best', '@ MX 20 out.sesame.test.', '@ MX 30 worse', `best A ${DEAD}`],
    fates: expired(NETWORK, ours('421 4.4.1 Failed to establish connection'), { at: DEAD, hasLeft: false }),
  },
]

/** Where private addresses are not called: nobody’s host gets a connection, whatever its zone says. */
export const PRIVATE: readonly Row[] = [
  {
    domain: 'loopback.test',
    does: 'has its host on loopback',
    zone: ['@ MX 10 mx'],
    fates: [bounced(HARD, forbidden('mx.loopback.test', '127.0.0.2'), { at: null })],
  },
  {
    domain: 'ourselves.test',
    does: 'has our own address for its host',
    hosts: {},
    zone: ['@ MX 10 mx', 'mx A 127.0.0.1'],
    fates: [bounced(HARD, '554 5.4.6 Mail for mx.ourselves.test leads back to us', { at: null })],
  },
  ...['10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'].map(
    (address, at): Row => ({
      domain: `private-${at}.test`,
      does: `has its host at ${address}`,
      hosts: {},
      zone: ['@ MX 10 mx', `mx A ${address}`],
      fates: [bounced(HARD, forbidden(`mx.private-${at}.test`, address), { at: null })],
    }),
  ),
  ...['::ffff:127.0.0.2', 'fe80::1', 'fd00::1'].map((address, at): Row => ({
    domain: `private-v6-${at}.test`,
    does: `is its own host at ${address}`,
    hosts: {},
    zone: [`@ AAAA ${address}`],
    fates: [
      bounced(HARD, new RegExp(`^554 5\\.4\\.4 private-v6-${at}\\.test \\[.*\\] is not an address`), { at: null }),
    ],
  })),
]
