/**
 * The Internet in a box: a whole server, a name server, and a mail server on a loopback address of its own for each host
 * of a table of rows. The rows go on side by side, over one time that is moved for all of them.
 */
import { GetSendStatisticsCommand } from '@aws-sdk/client-ses'
import {
  CreateConfigurationSetCommand,
  CreateEmailIdentityCommand,
  SendEmailCommand,
  type SendEmailCommandInput,
} from '@aws-sdk/client-sesv2'
import assert from 'node:assert/strict'
import type { Config } from '../../../src/config/config.ts'
import type { MessageDetails } from '../../../src/domain/reading.ts'
import { realHttpsGet } from '../../../src/platform/https-get.ts'
import type { HttpsGet, MovableClock } from '../../../src/platform/platform.ts'
import { startApp, type TestApp } from '../app.ts'
import { dnsServer, type Zone } from '../dns.ts'
import { bring, senderIn } from '../reports.ts'
import { SENDER_DOMAIN } from '../world.ts'
import { certificateFor } from './certificates.ts'
import { Mx, type ReceivedMail } from './mx.ts'
import { policyHost } from './policy-host.ts'
import { addressesOf, type Hosts, labelOf, type Row } from './rows.ts'
import { addLines } from './zone-lines.ts'

/** Minutes after the acceptance at which the time stands for a while. */
export const MARKS = [3, 10, 30, 60, 120, 240, 480, 841] as const
const MINUTE_MS = 60_000
export const HOSTNAME = 'out.sesame.test'

export type BoxOptions = {
  readonly config?: Partial<Config>
  /** Of the other side's time; real unless given. */
  readonly wallClock?: MovableClock
  /** What is done while the first attempts are under way. */
  readonly meanwhile?: (hosts: readonly Hosts[]) => Promise<void>
}

export type QueuedJob = { readonly messageId: string; readonly attempts: number; readonly dueAt: string }

/** What there was to see of a row, when all was over. */
export type Seen = {
  readonly details: MessageDetails
  /** After the first attempt; undefined: it had an end. */
  readonly waiting: QueuedJob | undefined
  readonly isQueuedAtEnd: boolean
  readonly hosts: Hosts
  /** `bob@one.test BOUNCE`. */
  readonly suppressed: readonly string[]
  /** Mail to the sender about it; undefined where his own host, which is on loopback, gets no mail either. */
  readonly notices: readonly ReceivedMail[] | undefined
  /** Another message, to those who are on the list. */
  readonly again: MessageDetails | undefined
}

/** What GetSendStatistics says of all rows together. */
export type Statistics = Readonly<Record<'DeliveryAttempts' | 'Bounces' | 'Complaints' | 'Rejects', number>>
export type Played = { readonly seen: ReadonlyMap<Row, Seen>; readonly statistics: Statistics }

type Running = { readonly row: Row; readonly hosts: Hosts; readonly id: string }

/** Sends to each row's recipients, lets 14 hours pass, and tells what was to be seen. */
export async function play(rows: readonly Row[], options: BoxOptions = {}): Promise<Played> {
  await using box = await startBox(options)
  const hosts: Hosts[] = []
  for (const row of rows) hosts.push(await box.settle(row))
  const running = await Promise.all(
    rows.map(async (row, at) => ({ row, hosts: hosts[at] ?? new Map(), id: await send(box.app, row) })),
  )
  await options.meanwhile?.(hosts)
  await box.app.idle()
  // Calls are signed by real time.
  options.wallClock?.reset()
  const waiting = await queued(box.app)
  for (const each of running) await report(box.app, each)
  let passed = 0
  for (const mark of MARKS) {
    box.app.clock.advance((mark - passed) * MINUTE_MS)
    passed = mark
    await box.app.idle()
  }
  const statistics = await statisticsOf(box.app)
  return { seen: await look(box, running, waiting), statistics }
}

/** What there is to see of each row; those who are on the suppression list by now are written to once more. */
async function look({ app, home }: Box, rows: readonly Running[], waiting: readonly QueuedJob[]) {
  const left = await queued(app)
  const { store, config } = app.services
  const scope = { account: config.accountId, region: 'us-east-1' }
  const { items: listed } = await store.suppressions.list(scope, {}, { limit: 1000 })
  const seen = rows.map(async ({ row, hosts, id }): Promise<[Row, Seen]> => {
    const own = listed.filter(({ address }) => address.endsWith(`@${row.domain}`))
    const again = await sendAgain(
      app,
      row,
      own.map(({ address }) => address),
    )
    const notices = home.mails.filter(({ recipients }) => recipients.includes(noticesTo(row)))
    return [
      row,
      {
        details: await get<MessageDetails>(app, `/_sesame/messages/${id}`),
        waiting: waiting.find(({ messageId }) => messageId === id),
        isQueuedAtEnd: left.some(({ messageId }) => messageId === id),
        hosts,
        suppressed: own.map(({ address, reason }) => `${address} ${reason}`),
        notices: config.allowPrivateDestinations ? notices : undefined,
        again,
      },
    ]
  })
  return new Map(await Promise.all(seen))
}

export function senderOf(row: Row): string {
  return `${labelOf(row)}@${SENDER_DOMAIN}`
}

function noticesTo(row: Row): string {
  return row.feedbackTo ?? senderOf(row)
}

type Box = AsyncDisposable & {
  readonly app: TestApp
  /** Takes the sender's own mail. */
  readonly home: Mx
  /** Gives a row its hosts, its zone and its configuration set. */
  readonly settle: (row: Row) => Promise<Hosts>
}

async function startBox({ config = {}, wallClock }: BoxOptions): Promise<Box> {
  const zone: Zone = {}
  await using closing = new AsyncDisposableStack()
  const dns = closing.use(await dnsServer(zone))
  const home = closing.use(await Mx.start('127.0.0.1', 0))
  addLines(zone, SENDER_DOMAIN, ['@ MX 10 mx', `mx A ${home.address}`])
  const policyPorts = new Map<string, number>()
  // What listens on port 443 elsewhere has a port of its own here.
  const httpsGet: HttpsGet = (question, signal) =>
    realHttpsGet({ ...question, port: policyPorts.get(question.host) ?? question.port }, signal)
  const app = closing.use(
    await startApp({
      config: {
        transport: 'direct',
        hostname: HOSTNAME,
        dns: dns.address,
        mxPort: home.port,
        allowPrivateDestinations: true,
        ...config,
      },
      httpsGet,
      ...(wallClock !== undefined && { wallClock }),
    }),
  )
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER_DOMAIN }))
  let last = 1
  const nextAddress = () => `127.0.0.${(last += 1)}`
  const stack = closing.move()
  return {
    app,
    home,
    async settle(row) {
      const hosts = new Map<string, Mx>()
      for (const [label, behaviour] of Object.entries(row.hosts ?? { mx: {} })) {
        const host = stack.use(await Mx.start(nextAddress(), home.port, behaviour))
        hosts.set(label, host)
        addLines(zone, row.domain, [`${label} A ${host.address}`])
      }
      const lines = row.zone ?? ['@ MX 10 mx']
      addLines(
        zone,
        row.domain,
        lines.map((line) => line.replace('_MXPORT', `_${home.port}`)),
      )
      if (row.sts !== undefined) {
        const name = `mta-sts.${row.domain}`
        const certificate = await certificateFor(name, row.sts.certificate)
        const host = stack.use(await policyHost(nextAddress(), certificate, row.sts.policy))
        policyPorts.set(name, host.port)
        addLines(zone, row.domain, ['_mta-sts TXT v=STSv1; id=1;', `mta-sts A 127.0.0.${last}`])
      }
      if (row.set !== undefined) await createSet(app, row, row.set)
      return hosts
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function createSet({ sesv2 }: TestApp, row: Row, set: NonNullable<Row['set']>): Promise<void> {
  const { SuppressedReasons, ...delivery } = set
  await sesv2.send(
    new CreateConfigurationSetCommand({
      ConfigurationSetName: labelOf(row),
      DeliveryOptions: delivery,
      ...(SuppressedReasons !== undefined && { SuppressionOptions: { SuppressedReasons } }),
    }),
  )
}

async function send({ sesv2 }: TestApp, row: Row, to = addressesOf(row)): Promise<string> {
  const { MessageId = '' } = await sesv2.send(
    new SendEmailCommand({
      FromEmailAddress: senderOf(row),
      Destination: { ToAddresses: [...to] },
      Content: contentOf(row, to),
      ConfigurationSetName: row.set === undefined ? undefined : labelOf(row),
      FeedbackForwardingEmailAddress: row.feedbackTo,
    }),
  )
  return MessageId
}

function contentOf(row: Row, to: readonly string[]): SendEmailCommandInput['Content'] {
  if (row.raw === undefined)
    return { Simple: { Subject: { Data: row.domain }, Body: { Text: { Data: `It ${row.does}.` } } } }
  const head = `From: ${senderOf(row)}\r\nTo: ${to.join(', ')}\r\nSubject: ${row.domain}\r\n`
  return { Raw: { Data: Buffer.concat([Buffer.from(head), row.raw]) } }
}

async function queued(app: TestApp): Promise<readonly QueuedJob[]> {
  const { jobs, next } = await get<{ jobs: QueuedJob[]; next?: string }>(app, '/_sesame/queue?limit=1000')
  assert.equal(next, undefined)
  return jobs
}

async function statisticsOf({ ses }: TestApp): Promise<Statistics> {
  const { SendDataPoints = [] } = await ses.send(new GetSendStatisticsCommand({}))
  const sum = (of: keyof Statistics) => SendDataPoints.reduce((all, point) => all + (point[of] ?? 0), 0)
  return {
    DeliveryAttempts: sum('DeliveryAttempts'),
    Bounces: sum('Bounces'),
    Complaints: sum('Complaints'),
    Rejects: sum('Rejects'),
  }
}

/** The admin API, as far as it is read here. */
async function get<T>(app: TestApp, path: string): Promise<T> {
  const { status, body } = await app.admin('GET', path)
  assert.equal(status, 200, JSON.stringify(body))
  return body as T
}

/** Brings what the domain has to report, in the order of the row. */
async function report(app: TestApp, { row, hosts }: Running): Promise<void> {
  const mail = [...hosts.values()].flatMap(({ mails }) => mails)[0]
  for (const each of row.reports ?? []) {
    const { to, lines } = each({ returnPath: senderIn(mail?.sender ?? ''), recipients: addressesOf(row) })
    assert.match(await bring(app.inboundPort, to, lines), /^250 /, row.domain)
  }
}

async function sendAgain(app: TestApp, row: Row, to: readonly string[]): Promise<MessageDetails | undefined> {
  if (to.length === 0) return undefined
  const id = await send(app, row, [...to])
  await app.idle()
  return get<MessageDetails>(app, `/_sesame/messages/${id}`)
}
