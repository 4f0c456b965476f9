/** Accepting mail over SMTP, beside the servers that people know. */
import { firstRun, interleaved, type Context, type Scenario, type Section } from '../context.ts'
import { errorNotes, number, percent, ranged, ratios } from '../format.ts'
import type { SmtpSpec } from '../generator/spec.ts'
import { find } from '../lab.ts'
import { measure, type Measured } from '../load.ts'
import { startHaraka, startMaildev } from '../servers/npm-servers.ts'
import { startPostfix } from '../servers/postfix.ts'
import { startPostgres } from '../servers/postgres.ts'
import { quiet, type Server, type Target } from '../servers/server.ts'
import { startSesame } from '../servers/sesame.ts'
import { startSink } from '../servers/smtp-sink.ts'
import { runSmtpSource } from '../smtp-source.ts'
import { median } from '../stats.ts'

type Tls = SmtpSpec['tls']

type Subject = {
  readonly name: string
  readonly pids: readonly number[]
  readonly plain: Target
  /** TLS from the start; undefined: it is not asked in TLS. */
  readonly secure?: Target
  readonly login?: SmtpSpec['login']
  readonly endsGroupWithMessage?: boolean
}

type Case = { readonly subject: Subject; readonly tls: Tls; readonly isNewEachTime: boolean; readonly sessions: number }

const MODES: readonly { readonly tls: Tls; readonly isNewEachTime: boolean; readonly title: string }[] = [
  { tls: 'none', isNewEachTime: false, title: 'connections kept' },
  { tls: 'none', isNewEachTime: true, title: 'a connection for each message' },
  { tls: 'starttls', isNewEachTime: false, title: 'connections kept, STARTTLS' },
  { tls: 'starttls', isNewEachTime: true, title: 'a connection for each message, STARTTLS' },
  { tls: 'implicit', isNewEachTime: false, title: 'connections kept, TLS from the start' },
  { tls: 'implicit', isNewEachTime: true, title: 'a connection for each message, TLS from the start' },
]

const LOGIN = { user: 'test', password: 'test' }
const [POSTFIX, SINK] = ['Postfix', 'smtp-sink']

export const smtp: Scenario = {
  name: 'smtp',
  about:
    'SMTP acceptance, 1/10/20 sessions, kept and new connections, TLS and not, by Postfix, smtp-sink, Haraka, maildev',
  isQuick: true,
  weight: 7,
  async run(context) {
    const { options } = context
    const { subjects, servers, notes } = await startAll(context)
    const counts = options.isQuick ? [20] : [1, 10, 20]
    const modes = options.isQuick ? MODES.slice(0, 1) : MODES
    for (const subject of subjects) {
      context.say(`warm up: ${subject.name}`)
      await drive(firstRun(context), { subject, tls: 'none', isNewEachTime: false, sessions: 20 })
    }
    const sections: Section[] = []
    for (const mode of modes) {
      const asked = subjects.filter(({ secure }) => mode.tls === 'none' || secure !== undefined)
      const cases = counts.flatMap((sessions) => asked.map((subject) => ({ subject, sessions, ...mode })))
      const results = await interleaved(context, cases, nameOf, (one) => drive(context, one))
      sections.push(table(`SMTP: ${mode.title}`, cases, results, mode === modes[0] ? notes : []))
      if (mode.tls === 'none' && !options.isQuick) sections.push(...(await bySmtpSource(context, cases, results)))
    }
    for (const server of servers) await server.stop()
    return sections
  },
}

function nameOf({ subject, tls, isNewEachTime, sessions }: Case): string {
  return `${subject.name}, ${sessions} sessions, TLS ${tls}, ${isNewEachTime ? 'new' : 'kept'}`
}

type Started = { readonly subjects: Subject[]; readonly servers: Server[]; readonly notes: string[] }

async function startAll({ lab, options }: Context): Promise<Started> {
  const subjects: Subject[] = []
  const notes = [
    'One recipient, 2 kB. Medians of the rounds with the least and the greatest; ratios within each round. Sesame asks for AUTH (once a connection), the others trust the loopback. Durable: Sesame, Postfix (HOLD, `in_flow_delay=0`), Haraka (queued, delivery off). smtp-sink throws mail away, maildev keeps it in memory. Our generator pipelines where the server offers it (the next envelope goes out with the end of a message, which Haraka does not take).',
    'CPU: of the server with everything that it started.',
  ]
  const sqlite = await startSesame(lab)
  const servers: Server[] = [sqlite]
  const ours = { login: LOGIN, plain: sqlite.smtp, secure: sqlite.smtps }
  subjects.push({ name: 'Sesame, SQLite', pids: sqlite.pids, ...ours })
  if (!options.isQuick) {
    const { pid, schema } = await startPostgres()
    const other = await startSesame(lab, { database: await schema() })
    servers.push(other)
    subjects.push({ name: 'Sesame, PostgreSQL', pids: [...other.pids, pid], login: LOGIN, plain: other.smtp })
  }
  const postfix = await startPostfix(lab)
  if ('missing' in postfix) notes.push(postfix.missing)
  else {
    servers.push(postfix)
    subjects.push({ name: POSTFIX, pids: postfix.pids, plain: postfix.smtp, secure: postfix.smtps })
    notes.push(`Postfix ${postfix.version}.`)
  }
  const sink = await startSink(lab)
  if ('missing' in sink) notes.push(sink.missing)
  else {
    servers.push(sink)
    subjects.push({ name: SINK, pids: sink.pids, plain: sink.smtp })
  }
  if (options.isQuick) return { subjects, servers, notes }
  for (const [name, start] of [
    ['Haraka', startHaraka],
    ['maildev', startMaildev],
  ] as const) {
    const server = await start(lab)
    if ('missing' in server) notes.push(server.missing)
    else {
      servers.push(server)
      // “503 … pipelined after end of DATA”.
      subjects.push({ name, pids: server.pids, plain: server.target, endsGroupWithMessage: name === 'Haraka' })
      notes.push(`${name} ${server.version}.`)
    }
  }
  notes.push('aws-ses-v2-local has no SMTP server: see `http`.')
  return { subjects, servers, notes }
}

function drive({ lab, options }: Context, { subject, tls, isNewEachTime, sessions }: Case): Promise<Measured> {
  const { pids, plain, secure, login, endsGroupWithMessage = false } = subject
  const { warmMs, measureMs } = options
  return measure(lab, {
    kind: 'smtp',
    tls,
    isNewEachTime,
    targets: [tls === 'implicit' && secure !== undefined ? secure : plain],
    connections: sessions,
    warmMs,
    measureMs,
    pids,
    endsGroupWithMessage,
    ...(login === undefined ? {} : { login }),
  })
}

type Results = ReadonlyMap<Case, readonly Measured[]>

function table(title: string, cases: readonly Case[], results: Results, notes: readonly string[]): Section {
  const rates = (one: Case | undefined) => (one === undefined ? [] : (results.get(one) ?? []).map(({ rate }) => rate))
  return {
    title,
    columns: [
      '',
      'sessions',
      'messages/s',
      'by Postfix',
      'by smtp-sink',
      'p50 ms',
      'p99 ms',
      'CPU s per 1,000',
      'others’ CPU',
      'errors',
    ],
    rows: cases.map((one) => {
      const measured = results.get(one) ?? []
      const by = (name: string) =>
        cases.find(({ subject, sessions }) => subject.name === name && sessions === one.sessions)
      return [
        one.subject.name,
        String(one.sessions),
        ranged(rates(one)),
        one.subject.name === POSTFIX ? '–' : ranged(ratios(rates(one), rates(by(POSTFIX))), 1),
        one.subject.name === SINK ? '–' : ranged(ratios(rates(one), rates(by(SINK))), 2),
        ranged(
          measured.map(({ p50Ms }) => p50Ms),
          2,
        ),
        ranged(
          measured.map(({ p99Ms }) => p99Ms),
          1,
        ),
        ranged(
          measured.map(({ cpuPer1000 }) => cpuPer1000),
          3,
        ),
        percent(measured.map(({ foreign, stolen }) => foreign + stolen)),
        number(measured.reduce((sum, { errors }) => sum + errors, 0)),
      ]
    }),
    notes: [...notes, ...errorNotes(cases.map((one) => [one.subject.name, results.get(one) ?? []]))],
  }
}

/** The servers that Postfix's own generator can ask, by it: whether ours is kinder to anybody. */
async function bySmtpSource(context: Context, all: readonly Case[], known: Results): Promise<readonly Section[]> {
  const { lab, options } = context
  const cases = all.filter(({ subject }) => subject.login === undefined)
  const smtpSource = await find(lab, 'smtp-source')
  if (smtpSource === undefined || cases.length === 0) return []
  const isNewEachTime = cases[0]?.isNewEachTime ?? false
  const results = await interleaved(
    context,
    cases,
    (one) => `${nameOf(one)}, smtp-source`,
    async (one) => {
      const expected = median((known.get(one) ?? []).map(({ rate }) => rate))
      const load = { sessions: one.sessions, isNewEachTime, seconds: options.measureMs / 1000, expected: expected / 2 }
      const rate = await runSmtpSource(lab, smtpSource, one.subject.plain, load)
      await quiet(lab, one.subject.pids)
      return rate
    },
  )
  return [
    {
      title: `SMTP: ${isNewEachTime ? 'a connection for each message' : 'connections kept'}, asked by smtp-source`,
      columns: ['', 'sessions', 'messages/s'],
      rows: cases.map((one) => [one.subject.name, String(one.sessions), ranged(results.get(one) ?? [])]),
      notes: ['It pipelines nothing and knows no AUTH, so it cannot ask Sesame.'],
    },
  ]
}
