/** Hosts that refuse, put off or hang up at each step of the dialogue, and hosts whose SMTP is odd. */
import {
  about,
  bounced,
  delayed,
  delivered,
  expired,
  NETWORK,
  once,
  ours,
  type Row,
} from '../../support/internet/rows.ts'

const HARD = 'Permanent/General'
const SERVER = 'RecipientServerError'
const NO_SPAM = 'Transient/ContentRejected'

type Step = 'greeting' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'dot'
const STEPS: readonly Step[] = ['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'dot']

const puttingOff = STEPS.map((step): Row => {
  const reply = `451 4.3.0 Not now, at ${step}`
  return {
    domain: `later-at-${step}.test`,
    does: `says 451 at ${step}, once`,
    hosts: { mx: { [step]: once(reply) } },
    fates: [delayed(SERVER, reply), delivered()],
  }
})

const leaving = STEPS.map((step): Row => ({
  domain: `leaves-at-${step}.test`,
  does: `says 421 at ${step}, once, and hangs up`,
  hosts: { mx: { [step]: once(['421 4.3.2 Leaving', 'drop']) } },
  fates: [delayed(SERVER, '421 4.3.2 Leaving'), delivered()],
}))

const hangingUp = STEPS.flatMap((step): Row[] => {
  const where = step === 'dot' ? 'after the message was sent' : `at ${step}`
  const lost = ours(`421 4.4.2 Connection dropped ${where}: the server hung up`)
  return [
    {
      domain: `drops-at-${step}.test`,
      does: `hangs up at ${step}, once`,
      hosts: { mx: { [step]: once('drop') } },
      fates: [delayed(NETWORK, lost), delivered()],
    },
    {
      domain: `drops-at-${step}-slowly.test`,
      does: `hangs up at ${step} without PIPELINING, always`,
      hosts: { mx: { [step]: 'drop', extensions: [] } },
      fates: expired(NETWORK, lost),
    },
  ]
})

const REFUSALS: readonly (readonly [step: Step, reply: string, kind: string, suppresses?: true])[] = [
  ['mail', '550 5.7.1 Not you', NO_SPAM],
  ['mail', '552 5.3.4 Larger than we take', 'Transient/MessageTooLarge'],
  ['rcpt', '550 5.1.1 No such user', HARD, true],
  ['data', '554 5.7.1 No mail today', NO_SPAM],
  ['dot', '554 5.6.0 This is spam', NO_SPAM],
  ['dot', '550 5.1.1 No such user, after all', HARD, true],
]

const refusing = REFUSALS.map(([step, reply, kind, suppresses = false]): Row => ({
  domain: `refuses-at-${step}-${reply.slice(4, 9).replaceAll('.', '')}.test`,
  does: `says ${reply.slice(0, 3)} at ${step}`,
  hosts: { mx: { [step]: reply } },
  fates: [bounced(kind, reply, { suppresses })],
}))

const protocol = (step: Step, what: string) => ours(`421 4.5.0 Protocol error at ${step}: not an SMTP reply: ${what}`)

const later = once('450 4.2.1 Later')

/** What is odd, and what becomes of it. */
const ODD: readonly Row[] = [
  {
    domain: 'refuses-our-name.test',
    does: 'does not like our name',
    hosts: { mx: { ehlo: '550 Bad name', helo: '550 5.7.1 Bad name' } },
    fates: [bounced(NO_SPAM, '550 5.7.1 Bad name')],
  },
  {
    domain: 'helo.test',
    does: 'knows only HELO',
    hosts: { mx: { ehlo: '500 5.5.1 What?', helo: '250 Hello' } },
    fates: [delivered()],
  },
  { domain: 'plain.test', does: 'has no extension', hosts: { mx: { extensions: [] } }, fates: [delivered()] },
  {
    domain: 'bare-lf.test',
    does: 'ends its replies with LF alone',
    hosts: {
      mx: { greeting: 'raw:220 mx\n', mail: 'raw:250 Ok\n', rcpt: 'raw:250 Ok\n', dot: 'raw:250 2.0.0 Ok: taken\n' },
    },
    fates: [delivered({ reply: '250 2.0.0 Ok: taken' })],
  },
  {
    domain: 'pieces.test',
    does: 'sends its replies in pieces',
    hosts: { mx: { greeting: ['raw:22', 'raw:0 mx.te', 'raw:st\r', 'raw:\n'] } },
    fates: [delivered()],
  },
  {
    domain: 'lines.test',
    does: 'says at length that it took the mail',
    hosts: { mx: { dot: '250-2.0.0 Ok\n250 2.0.0 Thank you' } },
    fates: [delivered({ reply: '250-2.0.0 Ok\n250 2.0.0 Thank you' })],
  },
  {
    domain: 'huge.test',
    does: 'has replies of a megabyte',
    hosts: { mx: { rcpt: `raw:${`250-${'x'.repeat(4000)}\r\n`.repeat(250)}` } },
    fates: expired('General', protocol('rcpt', 'long-reply')),
  },
  {
    domain: 'endless.test',
    does: 'has a reply of a line without end',
    hosts: { mx: { mail: `raw:250 ${'x'.repeat(10_000)}` } },
    fates: expired('General', protocol('mail', 'long-line')),
  },
  {
    domain: 'ssh.test',
    does: 'speaks no SMTP',
    hosts: { mx: { greeting: ['raw:SSH-2.0-OpenSSH_9.2\r\n'] } },
    fates: expired('General', protocol('greeting', 'not-a-reply')),
  },
  {
    domain: 'confused.test',
    does: 'answers MAIL as if it were DATA',
    hosts: { mx: { mail: '354 Hm' } },
    fates: expired('General', ours('421 4.5.0 Unexpected reply: 354 Hm')),
  },
  {
    domain: 'one-of-two.test',
    does: 'does not know one of two',
    hosts: { mx: { rcpt: about('bob', '550 5.1.1 No such user') } },
    to: ['bob', 'joe'],
    fates: [delivered({ to: ['joe'] }), bounced(HARD, '550 5.1.1 No such user', { to: ['bob'], suppresses: true })],
  },
  {
    domain: 'may-have-it.test',
    does: 'takes the mail, and hangs up before it says so: it comes again, to nobody else',
    hosts: { mx: { dot: once('drop') }, second: {} },
    zone: ['@ MX 10 mx', '@ MX 20 second'],
    fates: [
      delayed(NETWORK, ours('421 4.4.2 Connection dropped after the message was sent: the server hung up')),
      delivered(),
    ],
  },
  {
    domain: 'neither.test',
    does: 'knows neither of two',
    hosts: { mx: { rcpt: '550 5.1.1 No such user' } },
    to: ['bob', 'joe'],
    fates: [bounced(HARD, '550 5.1.1 No such user', { suppresses: true })],
  },
  {
    domain: 'three-ways.test',
    does: 'takes one, puts one off and does not know one',
    hosts: {
      mx: {
        rcpt: (line) => about('bob', '550 5.1.1 No such user')(line) ?? (line.includes('<joe@') ? later() : undefined),
      },
    },
    to: ['bob', 'joe', 'sue'],
    fates: [
      delivered({ to: ['sue'] }),
      bounced(HARD, '550 5.1.1 No such user', { to: ['bob'], suppresses: true }),
      delayed('General', '450 4.2.1 Later', { to: ['joe'] }),
      delivered({ to: ['joe'] }),
    ],
  },
  {
    domain: 'one-of-two-late.test',
    does: 'finds out at the end of the message that it does not know one of two, and does not say which',
    hosts: { mx: { dot: '550 5.1.1 No such user' } },
    to: ['bob', 'joe'],
    fates: [bounced(HARD, '550 5.1.1 No such user')],
  },
  {
    domain: 'drops-large.test',
    does: 'resets the connection in the middle of a large message, once',
    hosts: { mx: { body: once('reset') } },
    raw: Buffer.from(`\r\n${`${'x'.repeat(70)}\r\n`.repeat(40_000)}`),
    fates: [
      delayed(NETWORK, ours(/^421 4\.4\.2 Connection dropped (?:at body|after the message was sent): \w/)),
      delivered(),
    ],
  },
  {
    domain: 'eight-bit.test',
    does: 'takes 8-bit mail',
    raw: Buffer.from('\r\nGrüße\r\n'),
    fates: [delivered()],
  },
  {
    domain: 'seven-bit.test',
    does: 'takes no 8-bit mail',
    hosts: { mx: { extensions: ['PIPELINING'] } },
    raw: Buffer.from('\r\nGrüße\r\n'),
    fates: [bounced(NO_SPAM, '554 5.6.3 Message has 8-bit content, which mx.seven-bit.test does not take')],
  },
  {
    domain: 'small.test',
    does: 'takes short mail only',
    hosts: { mx: { extensions: ['SIZE 100'] } },
    fates: [
      bounced(
        'Transient/MessageTooLarge',
        /^552 5\.3\.4 Message of \d+ octets exceeds the limit of 100 of mx\.small\.test$/,
      ),
    ],
  },
]

export const DIALOGUE: readonly Row[] = [...puttingOff, ...leaving, ...hangingUp, ...refusing, ...ODD]
