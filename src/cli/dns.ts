/** `sesame dns`: every record that the operator and the owners of identities have to publish. */
import { ADMIN_FLAGS, type Admin, withAdmin } from './admin.ts'
import { asTable, asZone, type Section } from './dns-output.ts'
import { type Options, readOptions } from './options.ts'
import { isRecord, recordsIn, textIn } from './reply.ts'
import { EXIT, UsageError, type World } from './world.ts'

const FORMATS = ['table', 'zone', 'json'] as const
type Format = (typeof FORMATS)[number]

type Reply = Readonly<Record<string, unknown>>

export async function dns(args: readonly string[], world: World): Promise<number> {
  const options = readOptions(args, {
    command: 'dns',
    flags: {
      ...ADMIN_FLAGS,
      format: 'value',
      address: 'values',
      reports: 'value',
      account: 'value',
      region: 'value',
      identity: 'value',
      only: 'value',
    },
    settings: true,
  })
  const format = formatOf(options)
  const only = choice(options, 'only', ['operator', 'identities'])
  await withAdmin(options, world, async ({ call }) => {
    const operator = await call('GET', `/_sesame/dns${operatorQuery(options)}`)
    const identities = await allIdentities(call, options)
    if (format === 'json') return world.out(`${JSON.stringify({ operator, identities }, null, 2)}\n`)
    const sections = sectionsOf(operator, identities).filter(
      ({ isOperator }) => only === undefined || isOperator === (only === 'operator'),
    )
    world.out(format === 'zone' ? asZone(sections) : asTable(sections))
    if (only !== 'identities') tell(operator, format, world)
  })
  return EXIT.ok
}

function formatOf(options: Options): Format {
  return options.isSet('json') ? 'json' : (choice(options, 'format', FORMATS) ?? 'table')
}

function choice<const T extends string>(options: Options, flag: string, choices: readonly T[]): T | undefined {
  const given = options.value(flag)
  if (given === undefined) return undefined
  const found = choices.find((each) => each === given)
  if (found !== undefined) return found
  throw new UsageError(`--${flag}: ${JSON.stringify(given)} is not one of ${choices.join(', ')}.`)
}

/** `?address=…&reports=…`, of what was given. */
export function operatorQuery(options: Options): string {
  const query = new URLSearchParams(options.values('address').map((address) => ['address', address]))
  const reports = options.value('reports')
  if (reports !== undefined) query.set('reports', reports)
  return query.size === 0 ? '' : `?${query.toString()}`
}

/** Every page of a listing of identities that the options ask for. */
export async function everyPage(call: Admin['call'], path: string, options: Options): Promise<readonly Reply[]> {
  const found: Reply[] = []
  let after: string | undefined
  do {
    const query = new URLSearchParams()
    const [account, region, identity] = ['account', 'region', 'identity'].map((flag) => options.value(flag))
    const filters = { account, region, identity, after }
    for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value)
    const reply = await call('GET', `${path}?${query.toString()}`)
    found.push(...recordsIn(reply, 'identities'))
    after = textIn(reply, 'next') || undefined
  } while (after !== undefined)
  return found
}

async function allIdentities(call: Admin['call'], options: Options): Promise<readonly Reply[]> {
  return await everyPage(call, '/_sesame/dns/identities', options)
}

function sectionsOf(operator: unknown, identities: readonly Reply[]): readonly Section[] {
  const keys = identities.flatMap((each) => recordsIn(each, 'records')).filter((each) => !isOwners(each))
  const first: Section = {
    title: `For whoever runs the server, ${textIn(operator, 'hostname')}`,
    isOperator: true,
    records: [...recordsIn(operator, 'records'), ...keys],
  }
  const others = identities.map((each): Section => {
    const where = `account ${textIn(each, 'account')}, ${textIn(each, 'region')}`
    return {
      title: `For the owner of ${textIn(each, 'identity')} (${where})`,
      isOperator: false,
      records: recordsIn(each, 'records').filter(isOwners),
    }
  })
  return [first, ...others.filter(({ records }) => records.length > 0)]
}

function isOwners(record: Reply): boolean {
  return textIn(record, 'publishedBy') === 'owner'
}

/** What is no record; in a zone file as comments. */
function tell(operator: unknown, format: Format, { out }: World): void {
  const mark = format === 'zone' ? '; ' : ''
  const say = (line: string) => out(`${mark}${line}`.trimEnd() + '\n')
  const notes = isRecord(operator) && Array.isArray(operator['notes']) ? operator['notes'] : []
  for (const note of notes) say(`Note: ${String(note)}`)
  const policy = textIn(operator, 'mtaStsPolicy').trim()
  if (policy !== '') {
    say('')
    say(
      'The MTA-STS policy, at https://mta-sts.MAILDOMAIN/.well-known/mta-sts.txt (the server answers it on its HTTP port):',
    )
    for (const line of policy.split(/\r?\n/)) say(`  ${line}`)
  }
  const loops = recordsIn(operator, 'feedbackLoops')
  if (loops.length === 0) return
  say('')
  say('Complaints and figures come only to those who register (docs/operator.md):')
  for (const loop of loops) {
    say(`  ${textIn(loop, 'provider')}, by ${textIn(loop, 'by')}: ${textIn(loop, 'url')}`)
    say(`    ${textIn(loop, 'gives')}`)
  }
}
