/** Domains with several hosts, or none that talks: who is asked, and who is not any more. */
import {
  about,
  bounced,
  DEAD,
  delayed,
  delivered,
  expired,
  NETWORK,
  OK,
  once,
  ours,
  type Row,
} from '../../support/internet/rows.ts'

const UNREACHABLE = ours('421 4.4.1 Failed to establish connection')
const TWO = ['@ MX 10 first', '@ MX 20 second']

/** The first host does so, and the second one takes the mail. */
const second = (first: NonNullable<Row['hosts']>[string]) =>
  ({ hosts: { first, second: {} }, zone: TWO, fates: [delivered({ at: 'second' })] }) as const

/** Says `said` the second time that it is asked. */
function onSecond(said: string): () => string | undefined {
  let times = 0
  return () => ((times += 1) === 2 ? said : undefined)
}

export const CONNECTIONS: readonly Row[] = [
  {
    domain: 'first-dead.test',
    does: 'has a best host that refuses connections',
    hosts: { second: {} },
    zone: [...TWO, `first A ${DEAD}`],
    fates: [delivered({ at: 'second' })],
  },
  {
    domain: 'equal.test',
    does: 'has two hosts of equal preference, of which one lives',
    zone: ['@ MX 10 other', '@ MX 10 mx', `other A ${DEAD}`],
    fates: [delivered()],
  },
  {
    domain: 'addresses.test',
    does: 'has a host with several addresses, of which one lives',
    zone: ['@ MX 10 mx', `mx A ${DEAD}`, 'mx A 127.0.0.253'],
    fates: [delivered()],
  },
  { domain: 'first-busy.test', does: 'has a best host that says 421', ...second({ greeting: '421 4.3.2 Busy' }) },
  { domain: 'first-hates-us.test', does: 'has a best host that says 554', ...second({ greeting: '554 5.7.1 No' }) },
  { domain: 'first-drops.test', does: 'has a best host that hangs up at EHLO', ...second({ ehlo: 'drop' }) },
  { domain: 'first-resets.test', does: 'has a best host that resets the connection', ...second({ mail: 'reset' }) },
  { domain: 'first-later.test', does: 'has a best host that puts us off', ...second({ mail: '451 4.3.0 Later' }) },
  { domain: 'first-ssh.test', does: 'has a best host that speaks no SMTP', ...second({ greeting: 'raw:SSH-2.0\r\n' }) },
  {
    domain: 'word-of-first.test',
    does: 'has a best host that does not know the recipient, whose word counts',
    hosts: { first: { rcpt: '550 5.1.1 No such user' }, second: {} },
    zone: TWO,
    fates: [bounced('Permanent/General', '550 5.1.1 No such user', { at: 'first', suppresses: true })],
  },
  {
    domain: 'two-say-later.test',
    does: 'has two hosts that put us off, so that the third is not asked',
    hosts: { first: { mail: '451 4.3.0 Later' }, second: { mail: '451 4.3.0 Later' }, third: {} },
    zone: [...TWO, '@ MX 30 third'],
    fates: expired('RecipientServerError', '451 4.3.0 Later', { at: 'second' }),
  },
  {
    domain: 'all-dead.test',
    does: 'has hosts that all refuse connections',
    hosts: {},
    zone: ['@ MX 10 mx', `mx A ${DEAD}`],
    fates: expired(NETWORK, UNREACHABLE, { at: DEAD, hasLeft: false }),
  },
  {
    domain: 'too-many.test',
    does: 'has more hosts than anybody tries, and only the last one lives',
    hosts: { last: {} },
    zone: [
      ...Array.from({ length: 40 }, (_, index) => [`@ MX ${index} h${index}`, `h${index} A ${DEAD}`]).flat(),
      '@ MX 99 last',
    ],
    fates: expired(NETWORK, UNREACHABLE, { at: DEAD, hasLeft: false }),
  },
  {
    domain: 'comes-back.test',
    does: 'has a host that takes mail when it is asked again',
    hosts: { mx: { greeting: once(['421 4.3.2 Not now', 'drop']) } },
    fates: [delayed('RecipientServerError', '421 4.3.2 Not now'), delivered()],
  },
  {
    domain: 'gone-for-good.test',
    does: 'has a host that never says anything but 421',
    hosts: { mx: { greeting: ['421 4.3.2 Shutting down', 'drop'] } },
    fates: expired('RecipientServerError', '421 4.3.2 Shutting down'),
  },
  {
    domain: 'listed.test',
    does: 'has a host with a blocklist, which may be lifted',
    hosts: { mx: { greeting: '554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using a list' } },
    fates: expired('IPFailure', '554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using a list'),
  },
  {
    domain: 'rate.test',
    does: 'limits the rate',
    hosts: { mx: { mail: once('450 4.7.1 You are over the rate limit') } },
    fates: [delayed('IPFailure', '450 4.7.1 You are over the rate limit'), delivered()],
  },
  {
    domain: 'connections.test',
    does: 'limits connections with a reply for good, which is not meant so',
    hosts: { mx: { rcpt: once('554 Too many connections from your host') } },
    fates: [delayed('IPFailure', '554 Too many connections from your host'), delivered()],
  },
  {
    domain: 'five-minutes.test',
    does: 'greylists for longer than the mail may live',
    hosts: { mx: { rcpt: '451 4.7.1 Greylisted' } },
    set: { MaxDeliverySeconds: 300 },
    fates: [
      delayed('General', '451 4.7.1 Greylisted'),
      bounced(
        'Transient/CustomTimeoutExceeded',
        '550 4.4.7 Message expired: unable to deliver in 5 minutes.<451 4.7.1 Greylisted>',
      ),
    ],
  },
  {
    domain: 'greylists.test',
    does: 'greylists',
    hosts: { mx: { rcpt: once('451 4.7.1 Greylisted, come back later') } },
    fates: [delayed('General', '451 4.7.1 Greylisted, come back later'), delivered()],
  },
  {
    domain: 'greylists-one.test',
    does: 'greylists one of two, for ever',
    hosts: { mx: { rcpt: about('bob', '451 4.7.1 Greylisted') } },
    to: ['bob', 'joe'],
    fates: [delivered({ to: ['joe'] }), ...expired('General', '451 4.7.1 Greylisted', { to: ['bob'] })],
  },
  {
    domain: 'leaves-between.test',
    does: 'has a best host that leaves at the second recipient, so that both are taken to the next',
    hosts: { first: { rcpt: about('joe', '421 4.3.2 Leaving') }, second: {} },
    zone: TWO,
    to: ['bob', 'joe'],
    fates: [delivered({ at: 'second' })],
  },
  {
    domain: 'splits-and-drops.test',
    does: 'takes one recipient at a time, and hangs up at the second, once',
    hosts: {
      mx: {
        mail: onSecond('drop'),
        rcpt: (_, { recipients }) => (recipients.length < 1 ? undefined : '452 4.5.3 Too many recipients'),
      },
    },
    to: ['bob', 'joe'],
    fates: [
      delivered({ to: ['bob'] }),
      delayed(NETWORK, ours('421 4.4.2 Connection dropped at mail: the server hung up'), { to: ['joe'] }),
      delivered({ to: ['joe'] }),
    ],
  },
  {
    domain: 'splits.test',
    does: 'takes two recipients at a time',
    hosts: {
      mx: { rcpt: (_, { recipients }) => (recipients.length < 2 ? undefined : '452 4.5.3 Too many recipients') },
    },
    to: ['a', 'b', 'c', 'd', 'e'],
    fates: [delivered({ reply: OK })],
    arrived: {
      mx: [['a@splits.test', 'b@splits.test'], ['c@splits.test', 'd@splits.test'], ['e@splits.test']],
    },
  },
]
