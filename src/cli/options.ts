/** Reading a command's words: its own flags, the settings' flags where it takes them, and positional words. */
import { parseArgs } from 'node:util'
import { closest } from '../config/closest.ts'
import { settingKeys } from '../config/load.ts'
import { SETTINGS } from '../config/schema.ts'
import { UsageError } from './world.ts'

/** `value`: takes one; `values`: may be given several times; `switch`: takes none. */
export type Spec = {
  readonly command: string
  readonly flags: Readonly<Record<string, 'value' | 'values' | 'switch'>>
  /** Names of the positional words; those in brackets may be left out. */
  readonly words?: readonly string[]
  /** Take the settings' flags too, and hand them on. */
  readonly settings?: boolean
}

export type Options = {
  value(flag: string): string | undefined
  /** Throws a UsageError when it was not given. */
  required(flag: string): string
  values(flag: string): readonly string[]
  isSet(flag: string): boolean
  word(name: string): string | undefined
  /** The flags of settings, as `loadConfig` reads them. */
  readonly settings: readonly string[]
}

/** Throws a UsageError. */
export function readOptions(args: readonly string[], spec: Spec): Options {
  const known = new Map<string, 'string' | 'boolean'>()
  if (spec.settings) for (const [name, type] of settingFlags()) known.set(name, type)
  for (const [name, kind] of Object.entries(spec.flags)) known.set(name, kind === 'switch' ? 'boolean' : 'string')
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries([...known].map(([name, type]) => [name, { type }])),
    strict: false,
    tokens: true,
  })
  const found = new Map<string, string[]>()
  const words: string[] = []
  const settings: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const bare = known.has(name) ? name : name.replace(/^no-/, '')
    const type = rawName.startsWith('--') ? known.get(bare) : undefined
    if (type === undefined) throw new UsageError(unknownFlag(spec, rawName, [...known.keys()]))
    if (type === 'string' && (value === undefined || (!token.inlineValue && value.startsWith('--')))) {
      throw new UsageError(`${rawName} needs a value.`)
    }
    if (!Object.hasOwn(spec.flags, bare)) settings.push(value === undefined ? rawName : `${rawName}=${value}`)
    else keep(found, spec, { name, value: value ?? 'true' })
  }
  return options(spec, found, takeWords(spec, words), settings)
}

function settingFlags(): readonly (readonly [string, 'string' | 'boolean'])[] {
  const flags = settingKeys().map((key) => {
    const { name, kind } = SETTINGS[key]
    return [name, kind.shape === 'true|false' ? 'boolean' : 'string'] as const
  })
  return [...flags, ['config', 'string']]
}

function keep(found: Map<string, string[]>, spec: Spec, { name, value }: { name: string; value: string }): void {
  const isNegated = !Object.hasOwn(spec.flags, name)
  const bare = isNegated ? name.replace(/^no-/, '') : name
  const before = found.get(bare)
  if (before && spec.flags[bare] === 'values') before.push(value)
  else found.set(bare, [isNegated ? 'false' : value])
}

function takeWords({ command, words = [] }: Spec, given: readonly string[]): ReadonlyMap<string, string> {
  const extra = given[words.length]
  if (extra !== undefined) throw new UsageError(`${JSON.stringify(extra)} is not expected in \`sesame ${command}\`.`)
  const missing = words.slice(given.length).find((word) => !word.startsWith('['))
  if (missing !== undefined) throw new UsageError(`${missing} is missing in \`sesame ${command}\`.`)
  return new Map(given.map((value, index) => [(words[index] ?? '').replace(/[[\]]/g, ''), value]))
}

function options(
  spec: Spec,
  found: ReadonlyMap<string, readonly string[]>,
  words: ReadonlyMap<string, string>,
  settings: readonly string[],
): Options {
  const value = (flag: string) => found.get(flag)?.[0]
  return {
    value,
    required(flag) {
      const given = value(flag)
      if (given === undefined) throw new UsageError(`--${flag} is missing in \`sesame ${spec.command}\`.`)
      return given
    },
    values: (flag) => found.get(flag) ?? [],
    isSet: (flag) => value(flag) === 'true',
    word: (name) => words.get(name),
    settings,
  }
}

function unknownFlag({ command }: Spec, rawName: string, names: readonly string[]): string {
  const near = closest(rawName.replace(/^-+/, ''), names)
  return `there is no flag ${rawName} in \`sesame ${command}\`.${near ? ` Did you mean --${near}?` : ''}`
}
