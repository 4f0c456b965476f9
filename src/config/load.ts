/** Flags, environment and file → a frozen Config. What stands first in this list wins; the profile fills in the rest. */
import { isAbsolute, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Config, Limits, Profile } from './config.ts'
import { closest } from './closest.ts'
import { DEFAULT_SHAPING, readShaping } from './shaping.ts'
import { SETTINGS, variableOf, type SettingKey, type Settings } from './schema.ts'
import { flag } from './values.ts'

export type Sources = {
  /** The words after the command. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Reads the file of `--config`. */
  readonly readFile: (path: string) => Promise<string>
}

/** `errors` are for the user, one sentence each, and name where the fault is. */
export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] }

/** Where a value was found, and the words for it. */
type Found = { readonly text: string; readonly where: string }
type Layer = ReadonlyMap<SettingKey, Found>

const KEYS: ReadonlyMap<string, SettingKey> = new Map(
  settingKeys().map((key): [string, SettingKey] => [SETTINGS[key].name, key]),
)
/** Where nobody has to publish keys: twice a year, as M3AAWG's "DKIM Key Rotation Best Common Practices" asks for. */
const ROTATION_DAYS = 180
/** Names that only the command line has. */
const CONFIG_FLAG = 'config'
/** Variables that commands read, and those that Kubernetes sets for a service named sesame. */
const OTHER_VARIABLE = /^SESAME_(?:CONFIG|URL|SERVICE_(?:HOST|PORT)(?:_.*)?|PORT(?:_\d+_.*)?)$/

/** Reads all sources. Never throws for what a user wrote. */
export async function loadConfig({ args, env, readFile }: Sources): Promise<Loaded> {
  const errors: string[] = []
  const warnings: string[] = []
  const { layer: flags, configFile } = readFlags(args, errors)
  const variables = readVariables(env, warnings)
  const path = configFile ?? env['SESAME_CONFIG']
  const file = path ? await readConfigFile(path, readFile, errors) : new Map<SettingKey, Found>()
  const layers = [flags, variables, file]
  const assembled = assemble(layers, errors)
  if (errors.length === 0) checkTogether(assembled, errors)
  const config = await withShaping(assembled, readFile, errors)
  return errors.length > 0 ? { ok: false, errors } : { ok: true, config, warnings }
}

/** The config of a profile with nothing else set: what tests start from. */
export function defaultConfig(profile: Profile): Config {
  return assemble([new Map([['profile', { text: profile, where: 'here' }]])], [])
}

export function settingKeys(): readonly SettingKey[] {
  return Object.keys(SETTINGS).filter((key): key is SettingKey => Object.hasOwn(SETTINGS, key))
}

function readFlags(args: readonly string[], errors: string[]): { layer: Layer; configFile: string | undefined } {
  const options = Object.fromEntries(
    [...KEYS].map(([name, key]) => [name, { type: isFlag(key) ? ('boolean' as const) : ('string' as const) }]),
  )
  const { tokens } = parseArgs({
    args: [...args],
    options: { ...options, [CONFIG_FLAG]: { type: 'string' } },
    strict: false,
    tokens: true,
  })
  const layer = new Map<SettingKey, Found>()
  let configFile: string | undefined
  let before: (typeof tokens)[number] | undefined
  for (const token of tokens) {
    const owner = before
    before = token
    if (token.kind === 'positional') takePositional(token.value, owner, layer, errors)
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    const key = KEYS.get(name)
    const negated = name.startsWith('no-') ? KEYS.get(name.slice(3)) : undefined
    const hasValue = value !== undefined && (inlineValue || !value.startsWith('--'))
    if (name === CONFIG_FLAG && hasValue) configFile = value
    else if (name === CONFIG_FLAG) errors.push('--config needs a value: --config FILE.')
    else if (negated && isFlag(negated) && value === undefined) layer.set(negated, { text: 'false', where: rawName })
    else if (!key || !rawName.startsWith('--')) errors.push(unknown('flag', rawName, '--'))
    else if (isFlag(key)) layer.set(key, { text: value ?? 'true', where: rawName })
    else if (!hasValue) errors.push(`${rawName} needs a value: ${rawName} ${SETTINGS[key].kind.shape}.`)
    else layer.set(key, { text: value, where: rawName })
  }
  return { layer, configFile }
}

type Before = {
  readonly kind: string
  readonly name?: string
  readonly rawName?: string
  readonly value?: string | undefined
}

/** `--controls false` is taken as `--controls=false`; the value of an unknown flag was complained about with the flag. */
function takePositional(
  value: string,
  before: Before | undefined,
  layer: Map<SettingKey, Found>,
  errors: string[],
): void {
  const free = before?.kind === 'option' && before.value === undefined ? before : undefined
  const key = KEYS.get(free?.name ?? '')
  if (free && key && isFlag(key) && flag.parse(value).ok) layer.set(key, { text: value, where: free.rawName ?? '' })
  else if (!free || key) errors.push(`${JSON.stringify(value)} is not expected here.`)
}

function readVariables(env: Sources['env'], warnings: string[]): Layer {
  const layer = new Map<SettingKey, Found>()
  const names = new Map([...KEYS].map(([name, key]) => [variableOf(name), key]))
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('SESAME_') || value === undefined) continue
    const key = names.get(variable)
    if (key) layer.set(key, { text: value, where: variable })
    else if (!OTHER_VARIABLE.test(variable)) warnings.push(`${variable} is set, but there is no such setting.`)
  }
  return layer
}

/** The parsed file, undefined where it cannot be had. */
async function readYaml(path: string, readFile: Sources['readFile'], errors: string[]): Promise<unknown> {
  try {
    const { parse } = await import('yaml')
    // The failsafe schema leaves every value the text that it is: 000000000000 is an account id, not the number 0.
    const document: unknown = parse(await readFile(path), { maxAliasCount: 0, schema: 'failsafe' })
    return document
  } catch (error) {
    errors.push(`${path}: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`)
    return undefined
  }
}

async function withShaping(config: Config, readFile: Sources['readFile'], errors: string[]): Promise<Config> {
  const path = config.shaping
  if (path === undefined) return config
  const document = await readYaml(path, readFile, errors)
  return Object.freeze({ ...config, limitsBySite: readShaping(document, path, errors) })
}

async function readConfigFile(path: string, readFile: Sources['readFile'], errors: string[]): Promise<Layer> {
  const layer = new Map<SettingKey, Found>()
  const document = await readYaml(path, readFile, errors)
  if (document === null || document === undefined) return layer
  if (typeof document !== 'object' || Array.isArray(document)) {
    errors.push(`${path}: expected lines of the form "name: value".`)
    return layer
  }
  for (const [name, value] of Object.entries(document)) {
    const key = KEYS.get(name)
    const text = textOf(value)
    if (!key) errors.push(`${path}: ${unknown('key', name, '')}`)
    else if (text === undefined) errors.push(`${path}: ${name} needs a plain value or a list of them.`)
    else layer.set(key, { text, where: `${path}: ${name}` })
  }
  return layer
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const words = value.map((item: unknown) => (Array.isArray(item) ? undefined : textOf(item)))
  return words.includes(undefined) ? undefined : words.join(',')
}

function isFlag(key: SettingKey): boolean {
  return SETTINGS[key].kind.shape === 'true|false'
}

function unknown(what: string, name: string, prefix: string): string {
  const bare = name.replace(/^-+/, '')
  const near = closest(bare, [...KEYS.keys()])
  return `there is no ${what} ${name}.${near ? ` Did you mean ${prefix}${near}?` : ''}`
}

function assemble(layers: readonly Layer[], errors: string[]): Config {
  const find = (key: SettingKey) => layers.find((layer) => layer.has(key))?.get(key)
  const read = <K extends SettingKey>(key: K, profile: Profile): Settings[K] => {
    const { kind, defaults, secret }: (typeof SETTINGS)[K] = SETTINGS[key]
    const found = find(key)
    if (!found) return defaults[profile]
    const parsed = kind.parse(found.text)
    if (parsed.ok) return parsed.value
    const said = secret ? 'the value' : JSON.stringify(found.text)
    errors.push(`${found.where}: ${said}${parsed.error.startsWith(':') ? '' : ' '}${parsed.error}.`)
    return defaults[profile]
  }
  const profile = read('profile', 'local')
  const get = <K extends SettingKey>(key: K) => read(key, profile)
  const dataDir = get('dataDir')
  const hostname = get('hostname')
  const dnsZone = get('dnsZone')
  return Object.freeze({
    profile,
    dataDir,
    database: inDataDir(get('database'), dataDir),
    host: get('host'),
    httpPort: get('httpPort'),
    smtpPort: get('smtpPort'),
    smtpsPort: get('smtpsPort'),
    inboundPort: get('inboundPort'),
    hostname,
    publicUrl: get('publicUrl'),
    mailDomain: get('mailDomain') ?? hostname,
    accountId: get('accountId'),
    tlsCert: get('tlsCert'),
    tlsKey: get('tlsKey'),
    tlsMinVersion: get('tlsMinVersion'),
    outboundTlsMinVersion: get('outboundTlsMinVersion'),
    opportunisticTlsMinVersion: get('opportunisticTlsMinVersion'),
    tlsReports: get('tlsReports'),
    roles: get('roles'),
    transport: get('transport'),
    smarthost: get('smarthost'),
    egress: get('egress'),
    clamav: get('clamav'),
    rspamd: get('rspamd'),
    scanUnavailable: get('scanUnavailable'),
    dns: get('dns'),
    publicAddresses: get('publicAddresses'),
    dnsZone,
    dnsPort: get('dnsPort'),
    dkimEd25519: get('dkimEd25519'),
    dkimRotationDays: get('dkimRotationDays') ?? (dnsZone === undefined ? 0 : ROTATION_DAYS),
    signingThreads: get('signingThreads'),
    mxPort: get('mxPort'),
    allowPrivateDestinations: get('allowPrivateDestinations'),
    shaping: get('shaping'),
    limitsBySite: DEFAULT_SHAPING,
    anyCredentials: get('anyCredentials'),
    anyIdentity: get('anyIdentity'),
    autoVerify: get('autoVerify'),
    productionAccess: get('productionAccess'),
    max24HourSend: get('max24HourSend'),
    maxSendRate: get('maxSendRate'),
    requireTls: get('requireTls'),
    controls: get('controls'),
    adminToken: get('adminToken'),
    corsOrigins: get('corsOrigins'),
    retentionDays: get('retentionDays'),
    retentionMessages: get('retentionMessages'),
    retentionBytes: get('retentionBytes'),
    retentionTlsDays: get('retentionTlsDays'),
    logLevel: get('logLevel'),
    limits: assembleLimits(get),
  } satisfies Config)
}

function assembleLimits(get: <K extends keyof Limits>(key: K) => Settings[K]): Limits {
  return Object.freeze({
    v1MessageBytes: get('v1MessageBytes'),
    messageBytes: get('messageBytes'),
    recipients: get('recipients'),
    httpHeadersTimeoutMs: get('httpHeadersTimeoutMs'),
    httpRequestTimeoutMs: get('httpRequestTimeoutMs'),
    httpIdleTimeoutMs: get('httpIdleTimeoutMs'),
    smtpConnections: get('smtpConnections'),
    smtpIdleTimeoutMs: get('smtpIdleTimeoutMs'),
    smtpSessionTimeoutMs: get('smtpSessionTimeoutMs'),
    smtpErrors: get('smtpErrors'),
    acceptancesUnderWay: get('acceptancesUnderWay'),
    scanBytes: get('scanBytes'),
    scanTimeoutMs: get('scanTimeoutMs'),
  } satisfies Limits)
}

/** A relative SQLite file stands in the data directory. */
function inDataDir(database: string, dataDir: string): string {
  const file = /^sqlite:(.+)$/.exec(database)?.[1]
  return file === undefined || file === ':memory:' || isAbsolute(file) ? database : `sqlite:${join(dataDir, file)}`
}

/** Settings that are good alone and bad together. */
function checkTogether(config: Config, errors: string[]): void {
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    errors.push('--tls-cert and --tls-key go together: give both or neither.')
  }
  if (config.transport === 'smarthost' && config.smarthost === undefined) {
    errors.push('--transport smarthost needs a server: give it with --smarthost.')
  }
  const { dnsZone, hostname } = config
  if (dnsZone !== undefined && !`.${hostname}`.endsWith(`.${dnsZone}`)) {
    errors.push(
      `--dns-zone ${dnsZone} does not hold the host name, ${hostname}: all names of the server are at or below that.`,
    )
  }
  const isOpen = config.anyCredentials || config.anyIdentity
  if (config.profile === 'production' && isOpen) {
    errors.push('--any-credentials and --any-identity are for tests: the production profile does not take them.')
  }
  const listeners = [config.httpPort, config.smtpPort, config.smtpsPort, config.inboundPort]
  const ports = [...listeners, dnsZone === undefined ? 0 : config.dnsPort].filter((port) => port !== 0)
  const twice = ports.find((port, index) => ports.indexOf(port) !== index)
  if (twice !== undefined) errors.push(`two listeners are to have port ${twice}: give each its own.`)
}
