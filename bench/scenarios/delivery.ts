/** From a full queue to a mail server: unsigned and signed, beside what the machine can sign and what Postfix relays. */
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { interleaved, type Scenario, type Section } from '../context.ts'
import { number, percent, ranged, ratios } from '../format.ts'
import { find, type Lab } from '../lab.ts'
import { measure } from '../load.ts'
import { cpuSeconds, machineTime } from '../proc.ts'
import { startPostfix } from '../servers/postfix.ts'
import { makeIdentity, startSesame, type SigningKeys, toSink } from '../servers/sesame.ts'
import type { Target } from '../servers/server.ts'
import { startSink } from '../servers/smtp-sink.ts'

/** Of the sender that the load generators use. */
const SIGNED_DOMAIN = 'bench.example'
const MESSAGES = 20_000
const MESSAGES_QUICK = 600
/** Between these shares of the queue that are left the rate is taken: after the start, before the tail. */
const FROM_LEFT = 0.5
const TO_LEFT = 0.1
const FILL_LIMIT_MS = 120_000
const EMPTY_LIMIT_MS = 240_000

type Case = {
  readonly name: string
  readonly keys?: SigningKeys
  readonly isPostfix?: true
}
type Delivered = { readonly rate: number; readonly cpuPer1000: number; readonly foreign: number }

const UNSIGNED: Case = { name: 'Sesame, unsigned' }
const ED25519: Case = { name: 'Sesame, Ed25519', keys: { keyLength: 'RSA_1024_BIT', ed25519: 'alone' } }
const SHORT: Case = { name: 'Sesame, RSA-1024', keys: { keyLength: 'RSA_1024_BIT' } }
const LONG: Case = { name: 'Sesame, RSA-2048', keys: { keyLength: 'RSA_2048_BIT' } }
const BOTH: Case = { name: 'Sesame, RSA-2048 and Ed25519', keys: { keyLength: 'RSA_2048_BIT', ed25519: 'beside' } }
const POSTFIX: Case = { name: 'Postfix, unsigned', isPostfix: true }

export const delivery: Scenario = {
  name: 'delivery',
  about: 'from a full queue to smtp-sink, unsigned and signed, by Postfix and by `openssl speed`',
  isQuick: false,
  weight: 2,
  async run(context) {
    const { lab, options } = context
    const sink = await startSink(lab)
    if ('missing' in sink) return [{ title: TITLE, columns: [''], rows: [], notes: [sink.missing] }]
    const messages = options.isQuick ? MESSAGES_QUICK : MESSAGES
    const notes: string[] = []
    const signs = await opensslSpeed(lab)
    const cases = [UNSIGNED, ED25519, SHORT, LONG, BOTH, POSTFIX]
    const results = await interleaved(
      context,
      cases,
      ({ name }) => name,
      async (one) =>
        one.isPostfix === true ? relay(lab, sink.smtp, messages, notes) : deliver(lab, one, sink.smtp, messages),
    )
    await sink.stop()
    return [table(cases, results, signs, [...new Set(notes)])]
  },
}

const TITLE = 'From a full queue to smtp-sink'

/** Fills a queue with a server that does not deliver, and empties it with one that does nothing else. */
async function deliver(lab: Lab, { keys }: Case, sink: Target, messages: number): Promise<Delivered> {
  const dataDir = lab.folder('data')
  const smarthost = [...toSink(sink), ...(keys?.ed25519 === undefined ? [] : ['--dkim-ed25519'])]
  const filling = await startSesame(lab, { dataDir, roles: 'api', flags: smarthost })
  if (keys !== undefined) await makeIdentity(filling, SIGNED_DOMAIN, keys.keyLength)
  const load = { targets: [filling.http], connections: 64, warmMs: 0, measureMs: FILL_LIMIT_MS, messages }
  await measure(lab, { kind: 'http', surface: 'v2', ...load, pids: filling.pids })
  await filling.stop()
  if (keys?.ed25519 === 'alone') putRsaAside(join(dataDir, 'sesame.db'))
  const server = await startSesame(lab, { dataDir, roles: 'delivery', flags: smarthost, isUntouched: true })
  const database = new DatabaseSync(join(dataDir, 'sesame.db'), { readOnly: true })
  const left = database.prepare('select count(*) as jobs from jobs')
  const delivered = await emptying(lab, messages, server.pids, async () => Number(left.get()?.['jobs']))
  database.close()
  await server.stop()
  return delivered
}

/** There is no setting for it, since mail is always signed with RSA: a key that waits for DNS does not sign. */
function putRsaAside(file: string): void {
  const database = new DatabaseSync(file)
  const changed = database
    .prepare(`update identities set document = json_set(document, '$.dkim.keys[0].state', 'pending') where name = ?`)
    .run(SIGNED_DOMAIN)
  database.close()
  if (changed.changes !== 1) throw new Error('there is no identity whose RSA key could be put aside')
}

async function relay(lab: Lab, sink: Target, messages: number, notes: string[]): Promise<Delivered> {
  const postfix = await startPostfix(lab, sink)
  const nothing = { rate: Number.NaN, cpuPer1000: Number.NaN, foreign: Number.NaN }
  if ('missing' in postfix) {
    notes.push(postfix.missing)
    return nothing
  }
  const load = { targets: [postfix.smtp], connections: 20, warmMs: 0, measureMs: FILL_LIMIT_MS, messages }
  await measure(lab, { kind: 'smtp', tls: 'none', isNewEachTime: false, ...load, pids: postfix.pids })
  await postfix.release()
  const delivered = await emptying(lab, messages, postfix.pids, async () => filesIn(postfix.queue))
  await postfix.stop()
  return delivered
}

/** Queue files, wherever they stand. */
function filesIn(queue: string): number {
  return ['hold', 'incoming', 'active', 'deferred'].reduce((sum, name) => sum + count(join(queue, name)), 0)
}

function count(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
}

async function emptying(
  lab: Lab,
  messages: number,
  pids: readonly number[],
  left: () => Promise<number>,
): Promise<Delivered> {
  const reached = async (share: number) => {
    const now = await lab.until('the queue', EMPTY_LIMIT_MS, async () => {
      const jobs = await left()
      return jobs <= messages * share ? jobs : undefined
    })
    return { left: now, at: performance.now(), cpu: cpuSeconds(pids), machine: machineTime() }
  }
  const from = await reached(FROM_LEFT)
  const to = await reached(TO_LEFT)
  const done = from.left - to.left
  const cpu = to.cpu - from.cpu
  const busy = to.machine.busy - from.machine.busy
  return {
    rate: (done / (to.at - from.at)) * 1000,
    cpuPer1000: (cpu / done) * 1000,
    foreign: (busy - cpu) / (to.machine.total - from.machine.total),
  }
}

/** Signatures a second of all cores, by what is signed with; NaN where `openssl` is not installed. */
async function opensslSpeed(lab: Lab): Promise<ReadonlyMap<Case, number>> {
  const openssl = await find(lab, 'openssl')
  const rateOf = async (algorithm: string) => {
    if (openssl === undefined) return Number.NaN
    const cores = String(availableParallelism())
    const { out } = await lab.run(openssl, ['speed', '-seconds', '2', '-multi', cores, algorithm], 30_000)
    return Number(/^(?:rsa +\d+ bits| *253 bits EdDSA).*? ([\d.]+) +[\d.]+\s*$/m.exec(out)?.[1])
  }
  const [ed25519, short, long] = [await rateOf('ed25519'), await rateOf('rsa1024'), await rateOf('rsa2048')]
  return new Map([
    [ED25519, ed25519],
    [SHORT, short],
    [LONG, long],
    [BOTH, 1 / (1 / ed25519 + 1 / long)],
  ])
}

function table(
  cases: readonly Case[],
  results: ReadonlyMap<Case, readonly Delivered[]>,
  signs: ReadonlyMap<Case, number>,
  notes: readonly string[],
): Section {
  const rates = (one: Case) => (results.get(one) ?? []).map(({ rate }) => rate)
  return {
    title: TITLE,
    columns: ['', 'messages/s', 'by Postfix', 'openssl, both cores', 'of that', 'CPU s per 1,000', 'others’ CPU'],
    rows: cases.map((one) => {
      const most = signs.get(one) ?? Number.NaN
      const found = results.get(one) ?? []
      return [
        one.name,
        ranged(rates(one)),
        one === POSTFIX ? '–' : ranged(ratios(rates(one), rates(POSTFIX)), 1),
        number(most),
        ranged(
          rates(one).map((rate) => rate / most),
          2,
        ),
        ranged(
          found.map(({ cpuPer1000 }) => cpuPer1000),
          3,
        ),
        percent(found.map(({ foreign }) => foreign)),
      ]
    }),
    notes: [
      'One recipient, 1 kB, to one host without TLS; from when half of the queue is left to when 10 % are. “others’ CPU” has smtp-sink in it. Sesame signs in threads of low priority, one for each core. Ed25519 alone is no setting: for that row its RSA key was put aside.',
      ...notes,
    ],
  }
}
