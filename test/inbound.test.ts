/** What comes back of mail that was sent: bounces and complaints at the inbound port, and what their sender hears of them. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand, PutEmailIdentityMailFromAttributesCommand } from '@aws-sdk/client-sesv2'
import { GetSendStatisticsCommand } from '@aws-sdk/client-ses'
import { SesError } from '../src/errors/fail.ts'
import { arf, bring, dsn, senderIn } from './support/reports.ts'
import { SCOPE } from './support/stores.ts'
import { type SesEvent, SENDER_DOMAIN, startWorld, WORLD_SENDER, type World } from './support/world.ts'

const FBL = 'fbl@out.sesame.test'
const UNKNOWN = {
  emailAddress: 'bob@one.test',
  action: 'failed',
  status: '5.1.1',
  diagnosticCode: 'smtp; 550 5.1.1 User unknown',
}

type Sent = { readonly id: string; readonly returnPaths: readonly string[] }

/** Sends, and gives the return paths under which the mail came to `one.test`. */
async function send(world: World, to: readonly string[]): Promise<Sent> {
  const { mails } = await world.domain('one.test', '127.0.0.2')
  await world.domain(SENDER_DOMAIN, '127.0.0.4')
  await world.domain('two.test', '127.0.0.3')
  const id = await world.send(to)
  await world.app.idle()
  return { id, returnPaths: mails.map(({ sender }) => senderIn(sender)) }
}

function bringTo(world: World, to: string | readonly string[], lines: readonly string[], from?: string) {
  return bring(world.app.inboundPort, to, lines, from)
}

async function told(world: World, id: string, type: string): Promise<readonly SesEvent[]> {
  return (await world.events(id)).filter((event) => event.type === type)
}

async function statusesOf(world: World, id: string) {
  const { body } = await world.app.admin('GET', `/_sesame/messages/${id}`)
  assert.ok(typeof body === 'object' && body !== null && 'recipients' in body && Array.isArray(body.recipients))
  return body.recipients.map(({ status }: { status: string }) => status)
}

async function countsOf(world: World) {
  const { SendDataPoints } = await world.app.ses.send(new GetSendStatisticsCommand({}))
  const sum = (of: 'Bounces' | 'Complaints') => (SendDataPoints ?? []).reduce((all, point) => all + (point[of] ?? 0), 0)
  return { bounces: sum('Bounces'), complaints: sum('Complaints') }
}

async function metric(world: World, labels: string): Promise<string | undefined> {
  const text = await (await fetch(`${world.app.url}/metrics`)).text()
  return new RegExp(`^sesame_inbound_reports_total\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1]
}

/** Who is on the suppression list, and why. */
async function listed(world: World) {
  const { items } = await world.app.services.store.suppressions.list(SCOPE, {}, { limit: 10 })
  return items.map(({ address, reason }) => `${address} ${reason}`)
}

/** Mail that the sender got about what he sent. */
async function notices(world: World, subject: string) {
  const { messages } = await world.app.services.store.messages.page({ to: WORLD_SENDER, subject }, { limit: 10 })
  return messages.map(({ message }) => message)
}

describe('a bounce that comes later', () => {
  test('is told as SES tells it, once, counted, and sent on to the sender', async () => {
    await using world = await startWorld()
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    const [returnPath = ''] = returnPaths
    assert.match(returnPath, /^[a-z2-7]{59}@amazonses\.com$/)
    assert.match(await bringTo(world, returnPath.toUpperCase(), dsn({ recipient: 'bob@one.test' })), /^250 OK /)
    const [bounce] = await told(world, id, 'Bounce')
    const { feedbackId, timestamp, ...said } = bounce!.said
    assert.match(String(feedbackId), /^0100/)
    assert.equal(timestamp, new Date(world.app.clock.now()).toISOString())
    assert.deepEqual(said, {
      bounceType: 'Permanent',
      bounceSubType: 'General',
      bouncedRecipients: [UNKNOWN],
      remoteMtaIp: '127.0.0.2',
      reportingMTA: 'dns; inner.one.test',
    })
    const [delivery] = await told(world, id, 'Delivery')
    assert.deepEqual(bounce!.mail, delivery!.mail)
    assert.deepEqual(await statusesOf(world, id), ['bounced'])
    // Whoever gave us the report may not have heard our answer.
    assert.match(await bringTo(world, returnPath, dsn({ recipient: 'bob@one.test' })), /^250 /)
    assert.equal((await told(world, id, 'Bounce')).length, 1)
    assert.deepEqual(await countsOf(world), { bounces: 1, complaints: 0 })
    assert.deepEqual(await listed(world), ['bob@one.test BOUNCE'])
    const [notice, ...more] = await notices(world, 'Delivery Status Notification (Failure)')
    assert.deepEqual(more, [])
    assert.deepEqual([notice!.source, notice!.returnPath], ['MAILER-DAEMON@amazonses.com', ''])
    assert.equal(await metric(world, 'kind="delivery",result="told"'), '1')
    assert.equal(await metric(world, 'kind="delivery",result="repeated"'), '1')
  })

  test('names him to whom it was sent, not the address at which it ended', async () => {
    await using world = await startWorld()
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    const report = dsn({ recipient: 'victim@example.net', status: '5.2.2', diagnostic: 'smtp; 552 5.2.2 Mailbox full' })
    await bringTo(world, returnPaths[0]!, report)
    const [bounce] = await told(world, id, 'Bounce')
    assert.deepEqual(
      [bounce!.said['bounceType'], bounce!.said['bounceSubType'], bounce!.said['bouncedRecipients']],
      [
        'Transient',
        'MailboxFull',
        [
          {
            emailAddress: 'bob@one.test',
            action: 'failed',
            status: '5.2.2',
            diagnosticCode: 'smtp; 552 5.2.2 Mailbox full',
          },
        ],
      ],
    )
    assert.deepEqual(await countsOf(world), { bounces: 0, complaints: 0 })
  })

  test('of several who shared a transaction counts for those, and for nobody else', async () => {
    await using world = await startWorld()
    const { id, returnPaths } = await send(world, ['bob@one.test', 'joe@one.test', 'eve@two.test', 'sue@two.test'])
    assert.equal(returnPaths.length, 1)
    const report = dsn(
      { recipient: 'inner@host.test', original: 'Joe@one.test' },
      { recipient: 'eve@two.test' },
      { recipient: 'bob@one.test', action: 'delayed', status: '4.4.1' },
    )
    await bringTo(world, returnPaths[0]!, report)
    const bounces = await told(world, id, 'Bounce')
    assert.deepEqual(
      bounces.map(({ said }) => said['bouncedRecipients']),
      [[{ ...UNKNOWN, emailAddress: 'joe@one.test' }]],
    )
    assert.deepEqual(await statusesOf(world, id), ['delivered', 'bounced', 'delivered', 'delivered'])
  })

  test('written for people only is read too', async () => {
    await using world = await startWorld()
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    await bringTo(world, returnPaths[0]!, [
      'From: MAILER-DAEMON@one.test',
      'Subject: failure notice',
      '',
      'Hi. This is the qmail-send program at one.test.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      '',
      '<bob@one.test>:',
      'Sorry, no mailbox here by that name. (#5.1.1)',
      '',
      '--- Below this line is a copy of the message.',
    ])
    const [bounce] = await told(world, id, 'Bounce')
    assert.deepEqual([bounce!.said['bounceType'], bounce!.said['bounceSubType']], ['Permanent', 'General'])
  })

  test('is none when it is only late, was relayed, or is an automatic answer', async () => {
    await using world = await startWorld()
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    const mails = [
      dsn({ recipient: 'bob@one.test', action: 'delayed', status: '4.4.1' }),
      dsn({ recipient: 'bob@one.test', action: 'relayed', status: '2.0.0' }),
      ['From: bob@one.test', 'Subject: Out of office: Hi', 'Auto-Submitted: auto-replied', '', 'Away. 550 5.1.1'],
      ['From: bob@one.test', 'Subject: Re: Hi', '', 'Thank you.'],
    ]
    for (const mail of mails) assert.match(await bringTo(world, returnPaths[0]!, mail), /^250 /)
    assert.deepEqual(
      (await world.events(id)).map(({ type }) => type),
      ['Send', 'Delivery'],
    )
    assert.equal(await metric(world, 'kind="auto-reply",result="ignored"'), '1')
  })

  test('comes to a MAIL FROM domain of the identity, and to no other domain', async () => {
    await using world = await startWorld()
    await world.app.sesv2.send(
      new PutEmailIdentityMailFromAttributesCommand({
        EmailIdentity: SENDER_DOMAIN,
        MailFromDomain: `mail.${SENDER_DOMAIN}`,
      }),
    )
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    const [returnPath = ''] = returnPaths
    assert.match(returnPath, /@mail\.example\.com$/)
    const elsewhere = returnPath.replace(/@.*/, '@elsewhere.test')
    assert.match(await bringTo(world, elsewhere, dsn({ recipient: 'bob@one.test' })), /^550 5\.1\.1 /)
    assert.match(await bringTo(world, returnPath, dsn({ recipient: 'bob@one.test' })), /^250 /)
    assert.equal((await told(world, id, 'Bounce')).length, 1)
  })

  test('of a notice of ours is told to nobody by mail', async () => {
    await using world = await startWorld({ autoVerify: false })
    const { mails } = await world.domain('one.test', '127.0.0.2')
    await world.app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'bob@one.test' }))
    await world.app.idle()
    const [letter] = mails
    await bringTo(world, senderIn(letter!.sender), dsn({ recipient: 'bob@one.test' }))
    await world.app.idle()
    assert.equal(mails.length, 1)
    assert.deepEqual(await countsOf(world), { bounces: 0, complaints: 0 })
  })

  test('of a message that is gone is taken, and dropped', async () => {
    await using world = await startWorld()
    const { returnPaths } = await send(world, ['bob@one.test'])
    await world.app.admin('DELETE', '/_sesame/messages')
    assert.match(await bringTo(world, returnPaths[0]!, dsn({ recipient: 'bob@one.test' })), /^250 /)
    assert.equal(await metric(world, 'kind="delivery",result="unknown"'), '1')
    assert.deepEqual(await notices(world, ''), [])
  })
})

describe('the inbound port', () => {
  test('refuses every address that does not prove itself', async () => {
    await using world = await startWorld()
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    const [local = '', domain = ''] = returnPaths[0]!.split('@')
    const forged = (at: number) => local.slice(0, at) + (local[at] === 'a' ? 'b' : 'a') + local.slice(at + 1)
    const addresses = [
      `${id}@${domain}`,
      ...[0, 5, 45, 50].map((at) => `${forged(at)}@${domain}`),
      `x${local}@${domain}`,
      'ann@example.com',
      `ann@${domain}`,
      'fbl@elsewhere.test',
    ]
    for (const address of addresses) {
      assert.match(await bringTo(world, address, dsn({ recipient: 'bob@one.test' })), /^550 5\.1\.1 /, address)
    }
    assert.equal((await told(world, id, 'Bounce')).length, 0)
  })

  test('puts off what it cannot write, and takes it when it can', async () => {
    await using world = await startWorld()
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    const { messages } = world.app.services.store
    const asItWas = { ...messages }
    const fails = () => Promise.reject(new SesError('ServiceUnavailable', 'the database is away'))
    const report = dsn({ recipient: 'bob@one.test' })
    Object.assign(messages, { settle: fails })
    assert.match(await bringTo(world, returnPaths[0]!, report), /^451 /)
    Object.assign(messages, asItWas, { find: fails })
    assert.match(await bringTo(world, returnPaths[0]!, report), /^451 /)
    // To whom it belongs is asked of the store already for the recipient.
    assert.match(await bringTo(world, returnPaths[0]!.replace(/@.*/, '@mail.example.com'), report), /^451 /)
    Object.assign(messages, asItWas)
    assert.equal((await told(world, id, 'Bounce')).length, 0)
    assert.match(await bringTo(world, returnPaths[0]!, report), /^250 /)
    assert.equal((await told(world, id, 'Bounce')).length, 1)
  })

  test('answers nobody', async () => {
    await using world = await startWorld()
    const { returnPaths } = await send(world, ['bob@one.test'])
    const mails = await world.domain('spoofed.test', '127.0.0.6')
    for (const lines of [dsn({ recipient: 'bob@one.test' }), ['From: eve@spoofed.test', 'Subject: Hi', '', 'Hi?']]) {
      await bringTo(world, returnPaths[0]!, lines, 'eve@spoofed.test')
      await bringTo(world, FBL, lines, 'eve@spoofed.test')
      await bringTo(world, 'nobody@out.sesame.test', lines, 'eve@spoofed.test')
    }
    await world.app.idle()
    assert.equal(mails.sessions, 0)
  })
})

describe('mail to postmaster and abuse', () => {
  const question = ['From: eve@two.test', 'Subject: Your mail', '', 'Please stop.']

  test('is refused while nobody has said who reads it, or that one is here', async () => {
    await using world = await startWorld()
    const { accounts } = world.app.services.store
    for (const email of [null, 'root@out.sesame.test']) {
      await accounts.update(world.app.services.config.accountId, { email })
      for (const address of ['postmaster', 'Abuse@out.sesame.test', 'postmaster@amazonses.com'])
        assert.match(await bringTo(world, address, question, 'eve@two.test'), /^550 5\.1\.1 /)
    }
  })

  test('is handed on to the default account’s address, once', async () => {
    await using world = await startWorld()
    const { mails } = await world.domain('home.test', '127.0.0.8')
    await world.app.services.store.accounts.update(world.app.services.config.accountId, { email: 'root@home.test' })
    for (const address of ['Postmaster', 'abuse@out.sesame.test', 'postmaster@eu-west-1.amazonses.com']) {
      assert.match(await bringTo(world, address, question, 'eve@two.test'), /^250 /)
    }
    assert.match(await bringTo(world, 'postmaster@elsewhere.test', question), /^550 /)
    await world.app.idle()
    assert.deepEqual(
      mails.map(({ sender, recipients }) => [senderIn(sender), recipients]),
      Array.from({ length: 3 }, () => ['', ['root@home.test']]),
    )
    const data = mails[0]!.data
    assert.match(data, /^Subject: Mail to postmaster\r$/m)
    assert.match(data, /^From: eve@two\.test\r\nSubject: Your mail\r\n\r\nPlease stop\.\r$/m)
    assert.match(await bringTo(world, 'postmaster', data.trimEnd().split('\r\n')), /^250 /)
    await world.app.idle()
    assert.equal(mails.length, 3)
  })

  test('is read as a report first', async () => {
    await using world = await startWorld()
    const home = await world.domain('home.test', '127.0.0.8')
    await world.app.services.store.accounts.update(world.app.services.config.accountId, { email: 'root@home.test' })
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    await bringTo(world, 'abuse@out.sesame.test', arf({ mailFrom: returnPaths[0]! }))
    assert.equal((await told(world, id, 'Complaint')).length, 1)
    await world.app.idle()
    assert.deepEqual(home.mails, [])
  })
})

describe('a complaint', () => {
  test('to the feedback loop’s address counts by the return path within it', async () => {
    for (const where of ['mailFrom', 'returnPath'] as const) {
      await using world = await startWorld()
      const { id, returnPaths } = await send(world, ['bob@one.test'])
      assert.match(await bringTo(world, FBL, arf({ [where]: returnPaths[0]! }), 'feedback@one.test'), /^250 /)
      const [complaint] = await told(world, id, 'Complaint')
      const { feedbackId, timestamp, ...said } = complaint!.said
      assert.match(String(feedbackId), /^0100/)
      assert.equal(timestamp, new Date(world.app.clock.now()).toISOString())
      assert.deepEqual(said, {
        complaintSubType: null,
        complainedRecipients: [{ emailAddress: 'bob@one.test' }],
        userAgent: 'OneLoop/1.0',
        complaintFeedbackType: 'abuse',
        arrivalDate: '2026-01-15T12:00:00.000Z',
      })
      assert.deepEqual(await statusesOf(world, id), ['complained'])
      assert.deepEqual(await countsOf(world), { bounces: 0, complaints: 1 })
      assert.deepEqual(await listed(world), ['bob@one.test COMPLAINT'])
      const [notice] = await notices(world, 'complaint about message from 127.0.0.1')
      assert.deepEqual([notice!.source, notice!.returnPath], ['complaints@email-abuse.amazonses.com', ''])
      assert.match(await bringTo(world, FBL, arf({ [where]: returnPaths[0]! })), /^250 /)
      assert.equal((await told(world, id, 'Complaint')).length, 1)
    }
  })

  test('of one of several is of all at the domain that reports', async () => {
    await using world = await startWorld()
    const to = ['bob@one.test', 'joe@one.test', 'eve@two.test', 'sue@two.test']
    const { id, returnPaths } = await send(world, to)
    const report = arf({ mailFrom: returnPaths[0]!, recipient: 'eve@two.test' })
    assert.match(await bringTo(world, FBL, report, 'feedback@two.test'), /^250 /)
    const [complaint, ...more] = await told(world, id, 'Complaint')
    assert.deepEqual(more, [])
    assert.deepEqual(complaint!.said['complainedRecipients'], [
      { emailAddress: 'bob@one.test' },
      { emailAddress: 'joe@one.test' },
    ])
    assert.deepEqual(await countsOf(world), { bounces: 0, complaints: 1 })
    // It may have been either of them.
    assert.deepEqual(await listed(world), [])
  })

  test('that proves nothing is counted, and changes nothing', async () => {
    await using world = await startWorld()
    const { id } = await send(world, ['bob@one.test'])
    const claims = [{}, { mailFrom: `${id}@amazonses.com` }, { recipient: 'bob@one.test', returnPath: WORLD_SENDER }]
    for (const claim of claims) assert.match(await bringTo(world, FBL, arf(claim)), /^250 /)
    assert.deepEqual(
      (await world.events(id)).map(({ type }) => type),
      ['Send', 'Delivery'],
    )
    assert.equal(await metric(world, 'kind="feedback",result="unproven"'), '3')
    assert.deepEqual(await countsOf(world), { bounces: 0, complaints: 0 })
  })

  test('that the mail is no spam is told, and not counted', async () => {
    await using world = await startWorld()
    const { id, returnPaths } = await send(world, ['bob@one.test'])
    await bringTo(world, FBL, arf({ type: 'not-spam', mailFrom: returnPaths[0]! }))
    const [complaint] = await told(world, id, 'Complaint')
    assert.equal(complaint!.said['complaintFeedbackType'], 'not-spam')
    assert.deepEqual(await statusesOf(world, id), ['delivered'])
    assert.deepEqual(await countsOf(world), { bounces: 0, complaints: 0 })
    assert.deepEqual(await listed(world), [])
  })
})
