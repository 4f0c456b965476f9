/** What delivering signed mail takes from the API: its rate alone, and while the same server delivers what it takes. */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { interleaved, type Context, type Scenario, type Section } from '../context.ts'
import { number, percent, ranged, ratios } from '../format.ts'
import { generate } from '../load.ts'
import { makeIdentity, startSesame, toSink } from '../servers/sesame.ts'
import type { Target } from '../servers/server.ts'
import { startSink } from '../servers/smtp-sink.ts'

const CONNECTIONS = 64
const SIGNED_DOMAIN = 'bench.example'

type Case = {
  readonly name: string
  readonly isDelivering: boolean
  readonly isSigned: boolean
  readonly flags?: readonly string[]
}
/** `deliveredRate`: messages a second that went out meanwhile. */
type Shared = {
  readonly rate: number
  readonly deliveredRate: number
  readonly p99Ms: number
  readonly foreign: number
}

const ALONE: Case = { name: 'the API alone', isDelivering: false, isSigned: false }
const UNSIGNED: Case = { name: 'delivering, unsigned', isDelivering: true, isSigned: false }
const SIGNED: Case = { name: 'delivering, RSA-2048', isDelivering: true, isSigned: true }
const LIBUV: Case = {
  name: 'delivering, RSA-2048 on libuv’s threads',
  isDelivering: true,
  isSigned: true,
  flags: ['--signing-threads', '0'],
}
const CASES = [ALONE, UNSIGNED, SIGNED, LIBUV]
const TITLE = 'The API while signed mail is delivered'

export const signing: Scenario = {
  name: 'signing',
  about: 'what delivering signed mail takes from the rate of the API',
  isQuick: false,
  weight: 1,
  async run(context) {
    const sink = await startSink(context.lab)
    if ('missing' in sink) return [{ title: TITLE, columns: [''], rows: [], notes: [sink.missing] }]
    const results = await interleaved(
      context,
      CASES,
      ({ name }) => name,
      (one) => share(context, one, sink.smtp),
    )
    await sink.stop()
    return [table(results)]
  },
}

async function share({ lab, options }: Context, one: Case, sink: Target): Promise<Shared> {
  const dataDir = lab.folder('data')
  const roles = one.isDelivering ? 'api,delivery' : 'api'
  const server = await startSesame(lab, { dataDir, roles, flags: [...toSink(sink), ...(one.flags ?? [])] })
  if (one.isSigned) await makeIdentity(server, SIGNED_DOMAIN, 'RSA_2048_BIT')
  const { warmMs, measureMs } = options
  // What is left in the queue at the end is nobody's: only the load is waited for.
  const result = await generate(lab, {
    kind: 'http',
    surface: 'v2',
    targets: [server.http],
    connections: CONNECTIONS,
    warmMs,
    measureMs,
    pids: server.pids,
  })
  const delivered = messagesDone(dataDir)
  await server.stop()
  return {
    rate: result.accepted / result.seconds,
    deliveredRate: one.isDelivering ? delivered / (result.seconds + warmMs / 1000) : Number.NaN,
    p99Ms: result.p99Ms,
    foreign: result.foreign,
  }
}

/** Messages of one recipient that have no job any more. */
function messagesDone(dataDir: string): number {
  const database = new DatabaseSync(join(dataDir, 'sesame.db'), { readOnly: true })
  const row = database.prepare('select (select count(*) from messages) - (select count(*) from jobs) as done').get()
  database.close()
  return Number(row?.['done'])
}

function table(results: ReadonlyMap<Case, readonly Shared[]>): Section {
  const rates = (one: Case) => (results.get(one) ?? []).map(({ rate }) => rate)
  return {
    title: TITLE,
    columns: ['', 'accepted/s', 'of alone', 'delivered/s', 'p99 ms', 'others’ CPU'],
    rows: CASES.map((one) => {
      const found = results.get(one) ?? []
      const delivered = found.map(({ deliveredRate }) => deliveredRate)
      return [
        one.name,
        ranged(rates(one)),
        one === ALONE ? number(1) : ranged(ratios(rates(one), rates(ALONE)), 2),
        one.isDelivering ? ranged(delivered) : '–',
        ranged(
          found.map(({ p99Ms }) => p99Ms),
          1,
        ),
        percent(found.map(({ foreign }) => foreign)),
      ]
    }),
    notes: [
      `SES v2, ${CONNECTIONS} connections; one recipient, 1 kB, to smtp-sink without TLS by the same server. “of alone” of the unsigned row is what delivering takes by itself; what signing takes is the step from there. “others’ CPU” has smtp-sink in it.`,
    ],
  }
}
