/**
 * The shaping file: how much mail goes to whom at a time. YAML:
 *
 *   default:
 *     maxConnections: 20
 *   sites:
 *     google:                  # a provider by the name that `sesame queue` shows, or a part of the names of MX hosts
 *       maxConnections: 50
 *       maxRatePerMinute: 1200
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
}

/** As many connections as hosts usually grant a sender that they do not know. */
export const DEFAULT_SHAPING: Shaping = Object.freeze({
  default: Object.freeze({ maxConnections: 20, maxRatePerMinute: undefined }),
  sites: new Map<string, SiteLimits>(),
  domains: new Map<string, SiteLimits>(),
})

const MOST = { maxConnections: 10_000, maxRatePerMinute: 10_000_000 } as const
const SECTIONS = ['default', 'sites', 'domains'] as const

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
  const limits = membersOf(value, where, errors)
  for (const name of Object.keys(limits)) {
    if (!Object.hasOwn(MOST, name)) errors.push(unknown(where, name, Object.keys(MOST)))
  }
  const read = (name: keyof typeof MOST): number | undefined => {
    const text = limits[name]
    if (text === undefined) return undefined
    const number = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (number >= 1 && number <= MOST[name]) return number
    errors.push(`${where}: ${name} is not a whole number from 1 to ${MOST[name]}.`)
    return undefined
  }
  return Object.freeze({
    maxConnections: read('maxConnections') ?? ordinary.maxConnections,
    maxRatePerMinute: read('maxRatePerMinute') ?? ordinary.maxRatePerMinute,
  })
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
