/** What the SMTP client makes of servers: each row is a server's behaviour and what becomes of the mail. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Internet, tell, tellAll } from './support/internet/internet.ts'
import type { Behaviour } from './support/internet/mx.ts'

type Row = readonly [name: string, behaviour: Behaviour, outcome: string]

const OK = 'delivered 250 2.0.0 Ok: queued'
const dropped = (step: string) =>
  `deferred 421 4.4.2 Connection dropped at ${step}: the server hung up (dropped at ${step}, destination)`
const protocol = (step: string, what: string) =>
  `deferred 421 4.5.0 Protocol error at ${step}: not an SMTP reply: ${what} (protocol at ${step}, destination)`

const ROWS: readonly Row[] = [
  ['accepts', {}, OK],
  ['knows only HELO', { ehlo: '500 5.5.1 What?', helo: '250 Hello' }, OK],
  ['has no extension', { extensions: [] }, OK],
  ['greets in several lines', { greeting: '220-mx.test\n220-no spam\n220 ESMTP' }, OK],
  [
    'ends its lines with LF',
    { greeting: 'raw:220 mx.test\n', mail: 'raw:250 Ok\n', dot: 'raw:250 2.0.0 Ok: queued\n' },
    OK,
  ],
  ['sends its replies in pieces', { greeting: ['raw:22', 'raw:0 mx.te', 'raw:st\r', 'raw:\n'] }, OK],
  ['answers 251 to RCPT', { rcpt: '251 2.1.5 User not local, will forward' }, OK],
  ['hangs up instead of saying goodbye', { more: 'drop' }, OK],

  [
    'greylists',
    { rcpt: '451 4.7.1 Greylisted, come back later' },
    'deferred 451 4.7.1 Greylisted, come back later (reply at rcpt, recipient)',
  ],
  [
    'does not know the recipient',
    { rcpt: '550 5.1.1 No such user' },
    'bounced 550 5.1.1 No such user (reply at rcpt, recipient)',
  ],
  [
    'explains at length',
    { rcpt: '550-5.1.1 No such user\n550 5.1.1 Ask elsewhere' },
    'bounced 550-5.1.1 No such user\n550 5.1.1 Ask elsewhere (reply at rcpt, recipient)',
  ],
  ['refuses the sender', { mail: '550 5.7.1 Not you' }, 'bounced 550 5.7.1 Not you (reply at mail, ours)'],
  ['puts the sender off', { mail: '451 4.3.0 Try later' }, 'deferred 451 4.3.0 Try later (reply at mail, destination)'],
  ['refuses DATA', { data: '554 5.7.1 No mail today' }, 'bounced 554 5.7.1 No mail today (reply at data, message)'],
  ['refuses the message', { dot: '554 5.6.0 Spam' }, 'bounced 554 5.6.0 Spam (reply at dot, message)'],
  ['puts the message off', { dot: '452 4.3.1 Disk full' }, 'deferred 452 4.3.1 Disk full (reply at dot, destination)'],
  [
    'refuses us at the greeting',
    { greeting: '554 5.7.1 Your address is on a list' },
    'bounced 554 5.7.1 Your address is on a list (reply at greeting, ours)',
  ],
  [
    'puts us off at the greeting',
    { greeting: '450 4.3.2 Too busy' },
    'deferred 450 4.3.2 Too busy (reply at greeting, destination)',
  ],
  [
    'refuses our name',
    { ehlo: '550 Bad name', helo: '550 5.7.1 Bad name' },
    'bounced 550 5.7.1 Bad name (reply at ehlo, ours)',
  ],
  [
    'takes 354 for an answer to MAIL',
    { mail: '354 Hm' },
    'deferred 421 4.5.0 Unexpected reply: 354 Hm (protocol at mail, destination)',
  ],

  ...(['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'dot'] as const).map((step): Row => [
    `says 421 at ${step}`,
    { [step]: ['421 4.7.0 Slow down', 'drop'] },
    `deferred 421 4.7.0 Slow down (reply at ${step}, destination)`,
  ]),

  ['is no SMTP server', { greeting: ['raw:SSH-2.0-OpenSSH_9.2\r\n'] }, protocol('greeting', 'not-a-reply')],
  ['talks without end', { ehlo: `raw:${'250-more\r\n'.repeat(200)}` }, protocol('ehlo', 'long-reply')],
  ['has a line without end', { mail: `raw:250 ${'x'.repeat(10_000)}` }, protocol('mail', 'long-line')],
  [
    'has replies of a megabyte',
    { rcpt: `raw:${`250-${'x'.repeat(4000)}\r\n`.repeat(250)}` },
    protocol('rcpt', 'long-reply'),
  ],

  ['does not take 8-bit mail, which this is not', { extensions: ['PIPELINING'] }, OK],
  [
    'takes only short messages',
    { extensions: ['SIZE 10'] },
    'bounced 552 5.3.4 Message of 68 octets exceeds the limit of 10 of mx.example.test (unsuitable at mail, message)',
  ],
  ['has a SIZE of nothing', { extensions: ['SIZE'] }, OK],
  ['has a SIZE of 0', { extensions: ['SIZE 0'] }, OK],
]

describe('a server that', () => {
  for (const [name, behaviour, outcome] of ROWS) {
    test(name, async () => {
      await using internet = await Internet.start()
      await internet.domain('example.test', '127.0.0.2', behaviour)
      const result = await internet.deliver('bob@example.test')
      assert.equal(tellAll(result).join('\n'), outcome, result.transcript.join('\n'))
    })
  }

  for (const extensions of [undefined, []]) {
    const how = extensions === undefined ? 'with' : 'without'
    for (const step of ['greeting', 'ehlo', 'mail', 'rcpt', 'data'] as const) {
      test(`hangs up at ${step}, ${how} PIPELINING`, async () => {
        await using internet = await Internet.start()
        await internet.domain('example.test', '127.0.0.2', { [step]: 'drop', ...(extensions && { extensions }) })
        assert.deepEqual(tellAll(await internet.deliver('bob@example.test')), [dropped(step)])
      })
    }
  }

  test('hangs up in the middle of a message has not got it', async () => {
    await using internet = await Internet.start()
    await internet.domain('example.test', '127.0.0.2', { body: 'reset', extensions: ['PIPELINING'] })
    const message = Buffer.from(`Subject: big\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(200_000)}`)
    const result = await internet.deliver('bob@example.test', { message })
    assert.match(
      tell(result.recipients[0]),
      /^deferred 421 4.4.2 Connection dropped at body: .* \(dropped at body, destination\)$/,
    )
  })

  test('answers in the middle of a message is believed, and left', async () => {
    await using internet = await Internet.start()
    const behaviour = { body: ['552 5.3.4 Too much', 'stall'], extensions: ['PIPELINING'] }
    const mx = await internet.domain('example.test', '127.0.0.2', behaviour)
    const message = Buffer.from(`Subject: big\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(200_000)}`)
    const result = await internet.deliver('bob@example.test', { message })
    assert.deepEqual(tellAll(result), ['bounced 552 5.3.4 Too much (reply at dot, message)'])
    assert.equal(internet.deps.connections.size, 0)
    assert.equal(mx.mails.length, 0)
  })

  test('hangs up after the final dot may have the message, and no other server gets it', async () => {
    await using internet = await Internet.start()
    internet.zone['example.test'] = { mx: ['10 a.test', '20 b.test'] }
    await internet.mx('127.0.0.2', { dot: 'drop' }, 'a.test')
    const second = await internet.mx('127.0.0.3', {}, 'b.test')
    assert.deepEqual(tellAll(await internet.deliver('bob@example.test')), [
      'deferred 421 4.4.2 Connection dropped after the message was sent: the server hung up (dropped at dot, destination, may have arrived)',
    ])
    assert.equal(second.sessions, 0)
  })

  test('takes mail for nobody, but asks for the message, gets none', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2', { rcpt: '550 5.1.1 No', data: '354 Go on' })
    assert.deepEqual(tellAll(await internet.deliver('bob@example.test')), [
      'bounced 550 5.1.1 No (reply at rcpt, recipient)',
    ])
    assert.deepEqual(mx.mails, [])
    assert.equal(internet.deps.connections.size, 0)
  })

  test('does not take 8-bit mail does not get it', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2', { extensions: ['PIPELINING'] })
    const message = Buffer.from('Subject: Grüße\r\n\r\n')
    assert.deepEqual(tellAll(await internet.deliver('bob@example.test', { message })), [
      'bounced 554 5.6.3 Message has 8-bit content, which mx.example.test does not take (unsuitable at mail, message)',
    ])
    mx.behaviour = {}
    assert.deepEqual(tellAll(await internet.deliver('bob@example.test', { message })), [OK])
    assert.match(mx.heard.join(), /MAIL FROM:<bounce@sesame.test> SIZE=20 BODY=8BITMIME/)
  })
})

test('whatever a server says, there is an outcome', async () => {
  await using internet = await Internet.start()
  const mx = await internet.domain('example.test', '127.0.0.2')
  const step = fc.constantFrom('greeting', 'ehlo', 'mail', 'rcpt', 'data', 'dot', 'rset')
  const word = fc.constantFrom(
    '250 Ok\r\n',
    '250-',
    '354 \r\n',
    '\r\n',
    '\n',
    '2',
    '421 \r\n',
    '550 5.1.1 \xff\r\n',
    '\0',
    '999 \r\n',
  )
  const noise = fc.tuple(
    step,
    fc.array(fc.oneof(word, fc.string()), { maxLength: 5 }),
    fc.constantFrom('drop', 'reset'),
  )
  await fc.assert(
    fc.asyncProperty(noise, async ([at, words, end]) => {
      mx.behaviour = { [at]: [`raw:${words.join('')}`, end] }
      const { recipients } = await internet.deliver(['bob@example.test', 'eve@example.test'])
      assert.deepEqual(new Set(recipients.map(({ position }) => position)), new Set([0, 1]))
      assert.equal(recipients.length, 2)
      mx.behaviour = {}
      assert.equal((await internet.deliver('bob@example.test')).recipients[0]?.kind, 'delivered')
    }),
    { numRuns: 150 },
  )
})

describe('a message', () => {
  test('arrives as it is, with its dots', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2')
    const text = 'Subject: dots\r\n\r\n.\r\n..a\r\n.b\r\n\r\nend'
    const result = await internet.deliver(['bob@example.test', 'eve@example.test'], { message: Buffer.from(text) })
    assert.deepEqual(tellAll(result), [OK, OK])
    assert.deepEqual(mx.mails, [
      {
        helo: 'out.sesame.test',
        sender: 'MAIL FROM:<bounce@sesame.test> SIZE=36',
        recipients: ['bob@example.test', 'eve@example.test'],
        data: `${text}\r\n`,
        isSecure: false,
        session: 1,
      },
    ])
  })

  test('of many megabytes arrives', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2')
    const text = `Subject: big\r\n\r\n${`.${'x'.repeat(70)}\r\n`.repeat(150_000)}`
    assert.deepEqual(tellAll(await internet.deliver('bob@example.test', { message: Buffer.from(text) })), [
      'bounced 552 5.3.4 Message of 10950016 octets exceeds the limit of 10485760 of mx.example.test (unsuitable at mail, message)',
    ])
    mx.behaviour = { extensions: ['PIPELINING'] }
    assert.deepEqual(tellAll(await internet.deliver('bob@example.test', { message: Buffer.from(text) })), [OK])
    assert.ok(mx.mails[0]?.data === text)
  })

  test('is told to the operator as a dialogue with times, without its body', async () => {
    await using internet = await Internet.start()
    await internet.domain('example.test', '127.0.0.2', { extensions: ['PIPELINING'] })
    const { transcript, timings, site, recipients, connections } = await internet.deliver('bob@example.test')
    assert.deepEqual(transcript, [
      `+0 * connected to mx.example.test [127.0.0.2]:${internet.deps.port}`,
      '+0 S: 220 mx.test ESMTP',
      '+0 C: EHLO out.sesame.test',
      '+0 S: 250-mx.test',
      '+0 S: 250 PIPELINING',
      '+0 C: MAIL FROM:<bounce@sesame.test>',
      '+0 C: RCPT TO:<bob@example.test>',
      '+0 C: DATA',
      '+0 S: 250 2.1.0 Ok',
      '+0 S: 250 2.1.5 Ok',
      '+0 S: 354 Go on',
      '+0 C: (68 octets)',
      '+0 S: 250 2.0.0 Ok: queued',
    ])
    assert.deepEqual(timings, { lookupMs: 0, connectMs: 0, handshakeMs: 0, transferMs: 0 })
    assert.equal(site, 'mx.example.test')
    assert.deepEqual(connections, { opened: 1, failed: 0, reused: 0 })
    const [recipient] = recipients
    assert.deepEqual(recipient?.kind === 'delivered' && recipient.remote, {
      host: 'mx.example.test',
      ip: '127.0.0.2',
      port: internet.deps.port,
      egressIp: '127.0.0.1',
      tls: null,
    })
  })

  test('to an address that would end a command is not sent', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2')
    const result = await internet.deliver(['bob@example.test', 'x\r\nRSET@example.test', 'bö@example.test'])
    assert.deepEqual(tellAll(result), [
      OK,
      'bounced 553 5.1.3 Recipient address cannot be spoken in SMTP (unsuitable at rcpt, recipient)',
      'bounced 553 5.1.3 Recipient address cannot be spoken in SMTP (unsuitable at rcpt, recipient)',
    ])
    assert.doesNotMatch(mx.heard.join(), /RSET/)
    const [from] = tellAll(await internet.deliver('bob@example.test', { sender: 'a>\nb@sesame.test' }))
    assert.equal(from, 'bounced 553 5.1.7 Sender address cannot be spoken in SMTP (unsuitable at rcpt, ours)')
  })

  test('leaves from the address that it is told to', async () => {
    await using internet = await Internet.start()
    await internet.domain('example.test', '127.0.0.2')
    const egress = { addresses: ['127.0.0.77'], name: 'seven.sesame.test' }
    const { recipients, reportingMta } = await internet.deliver('bob@example.test', { egress })
    assert.equal(recipients[0]?.kind === 'delivered' && recipients[0].remote.egressIp, '127.0.0.77')
    assert.equal(reportingMta, 'seven.sesame.test')
    const nowhere = { addresses: ['192.0.2.99'], name: 'x.sesame.test' }
    assert.match(
      tell((await internet.deliver('bob@example.test', { egress: nowhere })).recipients[0]),
      /connect at connect, ours/,
    )
  })
})

describe('recipients', () => {
  test('are answered for one by one', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2', {
      rcpt: (line) => (line.includes('no') ? '550 5.1.1 No' : line.includes('later') ? '450 4.2.1 Later' : undefined),
    })
    const result = await internet.deliver(['a@example.test', 'no@example.test', 'later@example.test', 'b@example.test'])
    assert.deepEqual(tellAll(result), [
      OK,
      'bounced 550 5.1.1 No (reply at rcpt, recipient)',
      'deferred 450 4.2.1 Later (reply at rcpt, recipient)',
      OK,
    ])
    assert.deepEqual(mx.mails[0]?.recipients, ['a@example.test', 'b@example.test'])
  })

  for (const extensions of [['PIPELINING'], []]) {
    test(`that are too many come in further transactions (${extensions.join() || 'one by one'})`, async () => {
      await using internet = await Internet.start()
      const most = 3
      const mx = await internet.domain('example.test', '127.0.0.2', {
        extensions,
        rcpt: (_, session) => (session.recipients.length < most ? undefined : '452 4.5.3 Too many recipients'),
      })
      const to = Array.from({ length: 8 }, (_, index) => `r${index}@example.test`)
      const result = await internet.deliver(to)
      assert.deepEqual(
        tellAll(result),
        to.map(() => OK),
      )
      assert.deepEqual(
        mx.mails.map(({ recipients }) => recipients.length),
        [3, 3, 2],
      )
      assert.equal(mx.sessions, 1)
    })
  }

  test('that are all too many are deferred', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2', { rcpt: '452 4.5.3 Too many recipients' })
    const result = await internet.deliver(['a@example.test', 'b@example.test'])
    assert.deepEqual(
      new Set(tellAll(result)),
      new Set(['deferred 452 4.5.3 Too many recipients (reply at rcpt, recipient)']),
    )
    assert.equal(mx.heard.filter((line) => line.startsWith('RCPT')).length, 2)
  })

  test('whose mailbox is full are not too many', async () => {
    await using internet = await Internet.start()
    await internet.domain('example.test', '127.0.0.2', {
      rcpt: (line) => (line.includes('full') ? '452 4.2.2 Mailbox full' : undefined),
    })
    const result = await internet.deliver(['a@example.test', 'full@example.test'])
    assert.deepEqual(tellAll(result), [OK, 'deferred 452 4.2.2 Mailbox full (reply at rcpt, recipient)'])
  })

  test('come in groups of a hundred, or of what the server says', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2')
    const to = Array.from({ length: 150 }, (_, index) => `r${index}@example.test`)
    await internet.deliver(to)
    mx.behaviour = { extensions: ['PIPELINING', 'LIMITS RCPTMAX=60 MAILMAX=4'] }
    internet.deps.connections.close()
    await internet.deliver(to)
    assert.deepEqual(
      mx.mails.map(({ recipients }) => recipients.length),
      [100, 50, 60, 60, 30],
    )
  })

  test('that were taken before the connection ended are tried at the next host', async () => {
    await using internet = await Internet.start()
    internet.zone['example.test'] = { mx: ['10 a.test', '20 b.test'] }
    await internet.mx(
      '127.0.0.2',
      { rcpt: (line) => (line.includes('no') ? '550 5.1.1 No' : line.includes('last') ? 'drop' : undefined) },
      'a.test',
    )
    const second = await internet.mx('127.0.0.3', {}, 'b.test')
    const result = await internet.deliver(['a@example.test', 'no@example.test', 'last@example.test'])
    assert.deepEqual(tellAll(result), [OK, 'bounced 550 5.1.1 No (reply at rcpt, recipient)', OK])
    assert.deepEqual(second.mails[0]?.recipients, ['a@example.test', 'last@example.test'])
  })
})
