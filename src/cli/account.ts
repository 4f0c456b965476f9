/** `sesame account create|list|update`. */
import { ADMIN_FLAGS, withAdmin } from './admin.ts'
import { keyText } from './key.ts'
import { readOptions, type Options, type Spec } from './options.ts'
import { columns, isRecord, recordsIn, textIn } from './reply.ts'
import { EXIT, UsageError, type World } from './world.ts'

export async function account(args: readonly string[], world: World): Promise<number> {
  const [action, ...rest] = args
  if (action === 'create') return await create(rest, world)
  if (action === 'list') return await list(rest, world)
  if (action === 'update') return await update(rest, world)
  throw new UsageError('`sesame account` is followed by create, list or update.')
}

function read(action: string, args: readonly string[], own: Pick<Spec, 'flags' | 'words'>): Options {
  return readOptions(args, {
    ...own,
    command: `account ${action}`,
    flags: { ...ADMIN_FLAGS, ...own.flags },
    settings: true,
  })
}

async function create(args: readonly string[], world: World): Promise<number> {
  const options = read('create', args, { flags: { name: 'value', id: 'value', email: 'value', 'no-key': 'switch' } })
  const name = options.required('name')
  await withAdmin(options, world, async ({ call }) => {
    const made = await call('POST', '/_sesame/accounts', {
      name,
      ...optional({ accountId: options.value('id'), email: options.value('email') }),
    })
    const path = `/_sesame/accounts/${encodeURIComponent(textIn(made, 'accountId'))}/keys`
    const key = options.isSet('no-key') ? undefined : await call('POST', path, {})
    if (options.isSet('json'))
      return world.out(`${JSON.stringify({ account: made, ...(key === undefined ? {} : { key }) })}\n`)
    const head = columns([['Account id', textIn(made, 'accountId')]])
    world.out(`${head}${key === undefined ? '' : keyText(key)}`)
  })
  return EXIT.ok
}

async function list(args: readonly string[], world: World): Promise<number> {
  const options = read('list', args, { flags: {} })
  await withAdmin(options, world, async ({ call }) => {
    const reply = await call('GET', '/_sesame/accounts')
    if (options.isSet('json')) world.out(`${JSON.stringify(reply)}\n`)
    else for (const each of recordsIn(reply, 'accounts')) world.out(accountLine(each))
  })
  return EXIT.ok
}

const IN_REGION = ['production-access', 'max-24-hour-send', 'max-send-rate', 'enforcement-status', 'review-decision']

async function update(args: readonly string[], world: World): Promise<number> {
  const options = read('update', args, {
    words: ['ACCOUNT'],
    flags: {
      name: 'value',
      email: 'value',
      region: 'value',
      'production-access': 'switch',
      'max-24-hour-send': 'value',
      'max-send-rate': 'value',
      'enforcement-status': 'value',
      'review-decision': 'value',
    },
  })
  const ofAccount = optional({ name: options.value('name'), email: options.value('email') })
  const ofRegion = regionPatch(options)
  const region = options.value('region')
  if (Object.keys(ofRegion).length > 0 && region === undefined) {
    throw new UsageError(`say with --region where ${IN_REGION.map((flag) => `--${flag}`).join(', ')} are to hold.`)
  }
  if (Object.keys({ ...ofAccount, ...ofRegion }).length === 0) throw new UsageError('nothing to change was given.')
  await withAdmin(options, world, async ({ call }) => {
    const path = `/_sesame/accounts/${encodeURIComponent(options.word('ACCOUNT') ?? '')}`
    const changed = Object.keys(ofAccount).length > 0 ? await call('PATCH', path, ofAccount) : undefined
    const settings =
      region !== undefined && Object.keys(ofRegion).length > 0
        ? await call('PATCH', `${path}/regions/${encodeURIComponent(region)}`, ofRegion)
        : undefined
    if (options.isSet('json')) return world.out(`${JSON.stringify({ account: changed, region: settings })}\n`)
    if (changed !== undefined) world.out(accountLine(changed))
    if (isRecord(settings)) world.out(`${region}: ${describe(settings)}\n`)
  })
  return EXIT.ok
}

function regionPatch(options: Options): Readonly<Record<string, unknown>> {
  const access = options.value('production-access')
  return optional({
    productionAccess: access === undefined ? undefined : access === 'true',
    max24HourSend: numberIn(options, 'max-24-hour-send'),
    maxSendRate: numberIn(options, 'max-send-rate'),
    enforcementStatus: options.value('enforcement-status'),
    reviewDecision: options.value('review-decision'),
  })
}

function numberIn(options: Options, flag: string): number | undefined {
  const text = options.value(flag)
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value))
    throw new UsageError(`--${flag}: ${JSON.stringify(text)} is not a number.`)
  return value
}

function describe(settings: Readonly<Record<string, unknown>>): string {
  const { productionAccess, max24HourSend, maxSendRate, enforcementStatus } = settings
  const access = productionAccess === true ? 'production access' : 'sandbox'
  return `${access}, ${String(max24HourSend)} recipients in 24 hours, ${String(maxSendRate)} a second, ${String(enforcementStatus)}`
}

function accountLine(view: unknown): string {
  const email = textIn(view, 'email')
  return `${textIn(view, 'accountId')}  ${textIn(view, 'name')}${email === '' ? '' : ` <${email}>`}\n`
}

/** The members that are there. */
function optional(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
