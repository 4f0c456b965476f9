/** `sesame queue`: see mail that waits, hold it back, have it tried, move it, drop it. */
import { realPause } from '../platform/clock.ts'
import { type Admin, ADMIN_FLAGS, withAdmin } from './admin.ts'
import { type Options, readOptions } from './options.ts'
import { columns, isRecord, recordsIn, textIn } from './reply.ts'
import { EXIT, UsageError, type World } from './world.ts'

const ACTIONS = ['list', 'warmup', 'suspend', 'resume', 'retry', 'move', 'drop'] as const
type Action = (typeof ACTIONS)[number]
type Deed = Exclude<Action, 'list' | 'warmup'>

const SELECTION = { account: 'value', destination: 'value', message: 'value', all: 'switch' } as const
const WATCH_MS = 2_000
/** Clears the screen, and goes to its upper left corner (ECMA-48: CUP, ED). */
const CLEAR = '\u001b[H\u001b[2J'

export async function queue(args: readonly string[], world: World): Promise<number> {
  const [first] = args
  const action = first === undefined || first.startsWith('-') ? 'list' : ACTIONS.find((known) => known === first)
  if (action === undefined) throw new UsageError(`\`sesame queue\` is followed by ${ACTIONS.join(', ')}.`)
  const options = readOptions(first === action ? args.slice(1) : args, {
    command: `queue ${action}`,
    flags: {
      ...ADMIN_FLAGS,
      ...(action === 'warmup' ? {} : SELECTION),
      ...(action === 'list' ? { limit: 'value', watch: 'switch' } : {}),
      ...(action === 'drop' ? { silent: 'switch' } : {}),
      ...(action === 'move' ? { pool: 'value' } : {}),
    },
    settings: true,
  })
  await withAdmin(options, world, async (admin) => {
    if (action === 'list') await list(admin, options, world)
    else if (action === 'warmup') await warmup(admin, options, world)
    else await act(action, admin, options, world)
  })
  return EXIT.ok
}

async function act(action: Deed, { call }: Admin, options: Options, world: World): Promise<void> {
  const selection = selected(options)
  if (Object.keys(selection).length === 0) {
    throw new UsageError(`say which: --account, --destination or --message, or --all, in \`sesame queue ${action}\`.`)
  }
  const pool = options.value('pool')
  if (action === 'move' && pool === undefined) throw new UsageError('say where to: --pool NAME.')
  const how = { ...(options.isSet('silent') && { silent: true }), ...(pool !== undefined && { pool }) }
  const sums = new Map<string, number>()
  let last: unknown
  let after = 0
  do {
    const more = after > 0 ? { after } : {}
    last = await call('POST', `/_sesame/queue/${action}`, { ...selection, ...how, ...more })
    for (const name of ['jobs', 'moved', 'dropped', 'underWay']) {
      if (isRecord(last) && name in last) sums.set(name, (sums.get(name) ?? 0) + numberIn(last, name))
    }
    after = numberIn(last, 'next')
  } while (after > 0)
  const report = { ...(isRecord(last) ? last : {}), ...Object.fromEntries(sums) }
  world.out(options.isSet('json') ? `${JSON.stringify(report)}\n` : `${sentence(action, report)}\n`)
}

function sentence(action: Deed, report: Readonly<Record<string, unknown>>): string {
  if (action === 'suspend') return report['isNew'] === true ? 'Suspended.' : 'It was suspended already.'
  if (action === 'resume' && report['wasSuspended'] !== true) return 'It was not suspended.'
  if (action === 'move') {
    const count = numberIn(report, 'underWay')
    const later =
      count === 0
        ? ''
        : ` Of ${count} of them an attempt is under way, or another node has them: they follow with the next.`
    return `${numberIn(report, 'moved')} jobs moved.${later}`
  }
  if (action !== 'drop') return `${action === 'resume' ? 'Resumed. ' : ''}${numberIn(report, 'jobs')} jobs go on now.`
  const underWay = numberIn(report, 'underWay')
  const rest = underWay === 0 ? '' : ` ${underWay} were under way and were left: try again, or suspend them first.`
  return `${numberIn(report, 'dropped')} jobs dropped.${rest}`
}

async function warmup({ call }: Admin, options: Options, world: World): Promise<void> {
  const shown = await call('GET', '/_sesame/queue/warmup')
  if (options.isSet('json')) return world.out(`${JSON.stringify(shown)}\n`)
  const rows = recordsIn(shown, 'addresses').flatMap((address): [string, string][] => {
    const { limit } = address
    const how =
      typeof limit === 'number'
        ? `day ${numberIn(address, 'day')} of ${numberIn(address, 'days')}, ${limit} recipients a day and site`
        : 'warm'
    const sites = recordsIn(address, 'sites').map((site): [string, string] => [
      `  ${textIn(site, 'site')}`,
      `${numberIn(site, 'taken')} today`,
    ])
    return [[`${textIn(address, 'address')} (${textIn(address, 'pool')})`, how], ...sites]
  })
  world.out(rows.length === 0 ? 'No address is being warmed up.\n' : columns(rows))
}

async function list(admin: Admin, options: Options, world: World): Promise<void> {
  for (;;) {
    const shown = await look(admin, options)
    if (options.isSet('json')) world.out(`${JSON.stringify(shown)}\n`)
    else world.out(`${options.isSet('watch') ? CLEAR : ''}${page(shown)}`)
    if (!options.isSet('watch')) return
    await realPause(WATCH_MS)
  }
}

type Shown = { readonly queue: unknown; readonly sites: unknown; readonly suspensions: unknown }

async function look({ call }: Admin, options: Options): Promise<Shown> {
  const { account, destination, message } = selected(options)
  const query = new URLSearchParams({
    limit: options.value('limit') ?? '20',
    ...(account && { account }),
    ...(destination && { destination }),
    ...(message && { message }),
  })
  return {
    queue: await call('GET', `/_sesame/queue?${query.toString()}`),
    sites: await call('GET', '/_sesame/queue/sites?limit=20'),
    suspensions: await call('GET', '/_sesame/queue/suspensions'),
  }
}

function page({ queue: queued, sites, suspensions }: Shown): string {
  const siteRows = recordsIn(sites, 'sites').map((site): [string, string] => {
    const pause = textIn(site, 'pausedUntil')
    const state = pause === '' ? (site['isSlowed'] === true ? ', slowed' : '') : `, paused until ${pause}`
    return [textIn(site, 'site'), `${numberIn(site, 'running')} running, ${numberIn(site, 'ready')} ready${state}`]
  })
  const held = recordsIn(suspensions, 'suspensions').map((each): [string, string] => {
    const [kind = '', value] = Object.entries(each).find(([name]) => name !== 'since') ?? []
    return [kind === 'all' ? 'everything' : `${kind} ${String(value)}`, `suspended since ${textIn(each, 'since')}`]
  })
  const jobs = recordsIn(queued, 'jobs').map((job): [string, string] => [
    textIn(job, 'messageId'),
    `${textIn(job, 'destination')}, ${numberIn(job, 'attempts')} attempts, due ${textIn(job, 'dueAt')}`,
  ])
  const more = textIn(queued, 'next') === '' ? '' : '…\n'
  if (jobs.length + siteRows.length + held.length === 0) return 'Nothing waits.\n'
  return [columns(siteRows), columns(held), `${columns(jobs)}${more}`].filter((part) => part !== '').join('\n')
}

function selected(options: Options): Readonly<Record<string, string | true>> & Selection {
  const [account, destination, message] = ['account', 'destination', 'message'].map((name) => options.value(name))
  return {
    ...(account !== undefined && { account }),
    ...(destination !== undefined && { destination }),
    ...(message !== undefined && { message }),
    ...(options.isSet('all') && { all: true as const }),
  }
}

type Selection = { readonly account?: string; readonly destination?: string; readonly message?: string }

function numberIn(value: unknown, name: string): number {
  const member = isRecord(value) ? value[name] : undefined
  return typeof member === 'number' ? member : 0
}
