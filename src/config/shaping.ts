/**
 * The shaping file: how much mail goes to whom at a time. YAML:
 *
 *   default:
 *     maxConnections: 20
 *   sites:
 *     google:                  # a provider by the name that `sesame queue` shows, or a part of the names of MX hosts
 *       maxConnections: 50
 *       maxRatePerMinute: 1200
 *   warmup:                    # of addresses that `--egress` gives a date
 *     days: 45
 *   domains:
 *     example.com:             # the domain of recipients, whosever hosts it has
 *       maxConnections: 2
 */
import { closest } from './closest.ts'

/** `maxRatePerMinute` undefined: any. Both hold for all processes on a database together. */
export type SiteLimits = { readonly maxConnections: number; readonly maxRatePerMinute: number | undefined }

export type Shaping = {
  readonly default: SiteLimits
  readonly sites: ReadonlyMap<string, SiteLimits>
  readonly domains: ReadonlyMap<string, SiteLimits>
  readonly warmup: WarmupPlan
}

/** Recipients at one site on the first and the last day of the warm-up; each day has as many times more as the one before. */
export type WarmupPlan = { readonly days: number; readonly firstDay: number; readonly lastDay: number }

/** SES takes 45 days to some 50,000 a day (dedicated IPs, automatic warm-up). */
export const DEFAULT_WARMUP: WarmupPlan = Object.freeze({ days: 45, firstDay: 50, lastDay: 50_000 })

/** As many connections as hosts usually grant a sender that they do not know. */
export const DEFAULT_SHAPING: Shaping = Object.freeze({
  default: Object.freeze({ maxConnections: 20, maxRatePerMinute: undefined }),
  sites: new Map<string, SiteLimits>(),
  domains: new Map<string, SiteLimits>(),
  warmup: DEFAULT_WARMUP,
})

const MOST = { maxConnections: 10_000, maxRatePerMinute: 10_000_000 } as const
const MOST_WARMUP = { days: 365, firstDay: 10_000_000, lastDay: 10_000_000 } as const
const SECTIONS = ['default', 'sites', 'domains', 'warmup'] as const

/** What holds for a site (a provider, or its hosts with commas between) or a domain; the longest part of a host's name counts. */
export function limitsOf(shaping: Shaping, key: string): SiteLimits {
  const exact = shaping.domains.get(key) ?? shaping.sites.get(key)
  if (exact !== undefined) return exact
  const hosts = key.split(',')
  let best: string | undefined
  for (const name of shaping.sites.keys()) {
    const fits = hosts.every((host) => host.endsWith(`.${name}`) || host === name)
    if (fits && name.length > (best?.length ?? 0)) best = name
  }
  return (best === undefined ? undefined : shaping.sites.get(best)) ?? shaping.default
}

/** Reads the parsed file, in which every value is a text. What is wrong goes to `errors`, a sentence each. */
export function readShaping(document: unknown, path: string, errors: string[]): Shaping {
  const top = membersOf(document, path, errors)
  for (const name of Object.keys(top)) {
    if (!SECTIONS.some((known) => known === name)) errors.push(unknown(path, name, SECTIONS))
  }
  const ordinary = readLimits(top['default'], `${path}: default`, DEFAULT_SHAPING.default, errors)
  return Object.freeze({
    default: ordinary,
    sites: readSection(top['sites'], `${path}: sites`, ordinary, errors),
    domains: readSection(top['domains'], `${path}: domains`, ordinary, errors),
    warmup: readWarmup(top['warmup'], `${path}: warmup`, errors),
  })
}

function readSection(
  value: unknown,
  where: string,
  ordinary: SiteLimits,
  errors: string[],
): ReadonlyMap<string, SiteLimits> {
  return new Map(
    Object.entries(membersOf(value, where, errors)).map(([name, limits]) => [
      name.toLowerCase(),
      readLimits(limits, `${where}: ${name}`, ordinary, errors),
    ]),
  )
}

function readLimits(value: unknown, where: string, ordinary: SiteLimits, errors: string[]): SiteLimits {
  const read = readNumbers(value, where, MOST, errors)
  return Object.freeze({
    maxConnections: read.maxConnections ?? ordinary.maxConnections,
    maxRatePerMinute: read.maxRatePerMinute ?? ordinary.maxRatePerMinute,
  })
}

function readWarmup(value: unknown, where: string, errors: string[]): WarmupPlan {
  const plan = { ...DEFAULT_WARMUP, ...readNumbers(value, where, MOST_WARMUP, errors) }
  if (plan.lastDay < plan.firstDay) errors.push(`${where}: lastDay is less than firstDay.`)
  return Object.freeze(plan)
}

/** The numbers that are there, each from 1 to that in `most`. */
function readNumbers<Name extends string>(
  value: unknown,
  where: string,
  most: Readonly<Record<Name, number>>,
  errors: string[],
): { readonly [N in Name]?: number } {
  const members = membersOf(value, where, errors)
  const numbers: { [N in Name]?: number } = {}
  for (const name of Object.keys(members)) {
    if (!Object.hasOwn(most, name)) errors.push(unknown(where, name, Object.keys(most)))
  }
  for (const name in most) {
    const text = members[name]
    if (text === undefined) continue
    const number = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (number >= 1 && number <= most[name]) numbers[name] = number
    else errors.push(`${where}: ${name} is not a whole number from 1 to ${most[name]}.`)
  }
  return numbers
}

function membersOf(value: unknown, where: string, errors: string[]): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null || value === '') return {}
  if (isRecord(value)) return value
  errors.push(`${where}: expected lines of the form "name: value".`)
  return {}
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknown(where: string, name: string, names: readonly string[]): string {
  const near = closest(name, names)
  return `${where}: there is no ${name}.${near ? ` Did you mean ${near}?` : ''}`
}
