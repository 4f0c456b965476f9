/**
 * Deliveries under `kill -9`: thousands of jobs for the mail servers of some dozen domains, one transaction each, and a
 * server that is killed in the middle and started again. Every recipient must have his mail; who has it twice may only be
 * one whose connection was open at a kill.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateEmailIdentityCommand, SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2'
import { openStore } from '../../src/store/open.ts'
import { TEST_KEY } from '../support/app.ts'
import { ANY_PORTS, serve } from '../support/cli.ts'
import { dnsServer, type Zone } from '../support/dns.ts'
import { Mx } from '../support/internet/mx.ts'
import { keptLog } from '../support/stores.ts'
import { until } from '../support/until.ts'

export type DeliveringOptions = {
  /** Calls, each with a recipient at every domain: as many jobs. */
  readonly calls: number
  readonly kills: number
  readonly tell: (line: string) => void
}

export type Delivering = {
  readonly jobs: number
  /** Recipients without their mail. */
  readonly lost: number
  readonly duplicates: number
  /** Connections that were open at the kills, in all. */
  readonly open: number
  /** Jobs that the store still has. */
  readonly left: number
}

const DOMAINS = Array.from({ length: 50 }, (_, index) => `d${index}.test`)
const SENDER = 'ann@example.com'
const CALLS_AT_ONCE = 8

/** Does all that in a folder of its own. */
export async function tortureDelivering({ calls, kills, tell }: DeliveringOptions): Promise<Delivering> {
  const folder = await mkdtemp(join(tmpdir(), 'sesame-delivering-'))
  const zone: Zone = { 'mx.test': { a: ['127.0.0.2'] } }
  for (const domain of DOMAINS) zone[domain] = { mx: ['10 mx.test'] }
  const sink = new Sink(await Mx.start('127.0.0.2', 0))
  const dns = await dnsServer(zone)
  const flags = ['--data-dir', folder, '--dns', dns.address, '--transport', 'direct', '--hostname', 'out.sesame.test']
  const start = (...more: readonly string[]) =>
    serve([...ANY_PORTS, ...flags, '--mx-port', String(sink.mx.port), '--allow-private-destinations', ...more])
  try {
    await accept(await start('--roles', 'api', '--max-send-rate', '1000000'), calls)
    const jobs = calls * DOMAINS.length
    let open = 0
    for (let kill = 1; kill <= kills; kill++) {
      await using server = await start()
      const enough = Math.floor((jobs * kill) / (kills + 1))
      await until(
        async () => sink.delivered,
        (delivered) => delivered >= enough,
      )
      server.kill('SIGKILL')
      tell(`kill ${kill}: ${sink.delivered} of ${jobs} delivered, ${sink.mx.open} connections open`)
      open += sink.mx.open
      await server.ended
    }
    await using server = await start()
    await until(
      async () => sink.delivered,
      (delivered) => delivered >= jobs,
    )
    server.kill('SIGTERM')
    await server.ended
    const store = await openStore({ database: `sqlite:${join(folder, 'sesame.db')}`, log: keptLog() })
    const left = (await store.messages.unfinishedJobs(0, jobs)).length
    await store.close()
    return { jobs, lost: jobs - sink.delivered, duplicates: sink.transactions - sink.delivered, open, left }
  } finally {
    await dns[Symbol.asyncDispose]()
    await sink.mx[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Counts who got something, and how often. */
class Sink {
  readonly mx: Mx
  readonly #counted = new Set<string>()
  #seen = 0

  constructor(mx: Mx) {
    this.mx = mx
  }

  get transactions(): number {
    return this.mx.mails.length
  }

  /** Different recipients. */
  get delivered(): number {
    const { mails } = this.mx
    for (; this.#seen < mails.length; this.#seen++) {
      for (const recipient of mails[this.#seen]?.recipients ?? []) this.#counted.add(recipient)
    }
    return this.#counted.size
  }
}

type Server = Awaited<ReturnType<typeof serve>>

/** Has a server that does not deliver accept everything, and stops it. */
async function accept(server: Server, calls: number): Promise<void> {
  await using accepting = server
  const client = new SESv2Client({ endpoint: accepting.url, region: 'us-east-1', credentials: TEST_KEY })
  await client.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
  let next = 0
  const sender = async () => {
    while (next < calls) {
      const call = next++
      await client.send(
        new SendEmailCommand({
          FromEmailAddress: SENDER,
          Destination: { ToAddresses: DOMAINS.map((domain) => `r${call}@${domain}`) },
          Content: { Simple: { Subject: { Data: `Call ${call}` }, Body: { Text: { Data: 'Hello.' } } } },
        }),
      )
    }
  }
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, sender))
  client.destroy()
  accepting.kill('SIGTERM')
  await accepting.ended
}
