/** `sesame tls-report`: how connections to others went as to TLS, as their owners are told. */
import { ADMIN_FLAGS, type Admin, withAdmin } from './admin.ts'
import { type Options, readOptions } from './options.ts'
import { columns, recordsIn, textIn } from './reply.ts'
import { EXIT, type World } from './world.ts'

export async function tlsReport(args: readonly string[], world: World): Promise<number> {
  const options = readOptions(args, {
    command: 'tls-report',
    flags: { ...ADMIN_FLAGS, day: 'value' },
    words: ['[DOMAIN]'],
    settings: true,
  })
  await withAdmin(options, world, async (admin) => {
    const domain = options.word('DOMAIN')
    if (domain === undefined) return await list(admin, options, world)
    const report = await admin.call('GET', `/_sesame/tls-reports/${encodeURIComponent(domain)}?${queryOf(options)}`)
    world.out(`${JSON.stringify(report, null, 2)}\n`)
  })
  return EXIT.ok
}

async function list({ call }: Admin, options: Options, world: World): Promise<void> {
  let after = ''
  let day = ''
  const found: Readonly<Record<string, unknown>>[] = []
  do {
    const reply = await call('GET', `/_sesame/tls-reports?${queryOf(options, after)}`)
    found.push(...recordsIn(reply, 'domains'))
    day = textIn(reply, 'day')
    after = textIn(reply, 'next')
  } while (after !== '')
  if (options.isSet('json')) return world.out(`${JSON.stringify({ day, domains: found })}\n`)
  if (found.length === 0) return world.out(`No connections on ${day}.\n`)
  world.out(columns(found.map((each) => [textIn(each, 'domain'), sentence(each)])))
}

function sentence(domain: Readonly<Record<string, unknown>>): string {
  const { successes, failures, sentTo } = domain
  const to = Array.isArray(sentTo) ? sentTo.map(String) : undefined
  const report = to === undefined ? '' : to.length === 0 ? ', no report wanted' : `, reported to ${to.join(', ')}`
  return `${String(successes)} as they had to be, ${String(failures)} failed${report}`
}

function queryOf(options: Options, after = ''): string {
  const day = options.value('day')
  return new URLSearchParams({ ...(day !== undefined && { day }), ...(after !== '' && { after }) }).toString()
}
