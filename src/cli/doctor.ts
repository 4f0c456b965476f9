/** `sesame doctor`: what is wrong with the server's names, records and machine, and what to do about it. */
import { ADMIN_FLAGS, withAdmin } from './admin.ts'
import { everyPage } from './dns.ts'
import { readOptions, type Options } from './options.ts'
import { recordsIn, textIn } from './reply.ts'
import { EXIT, type World } from './world.ts'

type View = Readonly<Record<string, unknown>>
type Group = { readonly title: string; readonly findings: readonly View[] }

const LEVELS = ['problem', 'warning', 'ok'] as const

/** Exit code 1 when there is a problem; warnings leave it 0. */
export async function doctor(args: readonly string[], world: World): Promise<number> {
  const options = readOptions(args, {
    command: 'doctor',
    flags: {
      ...ADMIN_FLAGS,
      address: 'values',
      skip: 'values',
      port25: 'values',
      ntp: 'value',
      account: 'value',
      region: 'value',
      identity: 'value',
    },
    settings: true,
  })
  const skip = options.values('skip').flatMap((names) => names.split(','))
  return await withAdmin(options, world, async ({ call }) => {
    const server = recordsIn(await call('GET', `/_sesame/doctor${queryOf(options, skip)}`), 'findings')
    const identities = skip.includes('identities') ? [] : await everyPage(call, '/_sesame/doctor/identities', options)
    const groups: Group[] = [
      { title: 'The server', findings: server },
      ...identities.map((each) => ({ title: titleOf(each), findings: recordsIn(each, 'findings') })),
    ]
    const all = groups.flatMap(({ findings }) => findings)
    const counts = Object.fromEntries(
      LEVELS.map((level) => [level, all.filter((each) => levelOf(each) === level).length]),
    )
    if (options.isSet('json')) world.out(`${JSON.stringify({ counts, findings: server, identities }, null, 2)}\n`)
    else
      world.out(
        `${groups
          .filter(({ findings }) => findings.length > 0)
          .map(groupText)
          .join('\n')}\n${summary(counts)}`,
      )
    return counts['problem'] === 0 ? EXIT.ok : EXIT.failed
  })
}

function queryOf(options: Options, skip: readonly string[]): string {
  const query = new URLSearchParams()
  for (const address of options.values('address')) query.append('address', address)
  for (const name of skip) if (name !== 'identities') query.append('skip', name)
  for (const host of options.values('port25')) query.append('port25', host)
  const ntp = options.value('ntp')
  if (ntp !== undefined) query.set('ntp', ntp)
  return query.size === 0 ? '' : `?${query.toString()}`
}

function titleOf(identity: View): string {
  return `${textIn(identity, 'identity')} (account ${textIn(identity, 'account')}, ${textIn(identity, 'region')})`
}

function levelOf(finding: View): string {
  return textIn(finding, 'level')
}

/** The gravest first. */
function groupText({ title, findings }: Group): string {
  const sorted = LEVELS.flatMap((level) => findings.filter((each) => levelOf(each) === level))
  return `${title}\n${sorted.map(findingText).join('')}`
}

function findingText(finding: View): string {
  const head = `  ${levelOf(finding).padEnd(7)}  ${textIn(finding, 'check')}: ${textIn(finding, 'subject')}`
  const advice = textIn(finding, 'advice')
  return `${head}: ${textIn(finding, 'found')}\n${advice === '' ? '' : `           → ${advice}\n`}`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function summary(counts: Readonly<Record<string, number>>): string {
  const { problem = 0, warning = 0, ok = 0 } = counts
  return `${count(problem, 'problem')}, ${count(warning, 'warning')}, ${ok} ok\n`
}
