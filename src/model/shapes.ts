/** The model resolved: an operation's structures with every member's type, place and rule, ready to compile a codec from. */
import type { Rule } from './constraints.ts'
import { ruleFor } from './constraints.ts'
import type { Api, OperationData, StructureData } from './load.ts'
import { MODELS } from './load.ts'
import type { NumberKind } from './numbers.ts'
import { numberKind } from './numbers.ts'

export type Enum = { readonly name: string; readonly values: readonly string[] }

export type Type =
  | { readonly kind: 'string'; readonly enum?: Enum }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'number'; readonly number: NumberKind }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'blob' }
  | { readonly kind: 'list'; readonly element: Type }
  | { readonly kind: 'map'; readonly key: Type; readonly value: Type }
  | { readonly kind: 'structure'; readonly structure: Structure }

export type Member = {
  readonly name: string
  /** `Structure.Member`, the key of the tables of constraints. */
  readonly id: string
  readonly type: Type
  readonly required: boolean
  readonly place: 'body' | 'label' | 'query'
  /** Its name in the query string, where `place` says so. */
  readonly queryName: string
  readonly rule: Rule | undefined
}

export type Structure = { readonly api: Api; readonly name: string; readonly members: readonly Member[] }

export type Operation = {
  readonly api: Api
  readonly name: string
  /** An operation without input or output has a structure without members. */
  readonly input: Structure
  readonly output: Structure
  readonly data: OperationData
}

const NOTHING: StructureData = { required: 0, members: {} }

type Cached = { readonly operations: Map<string, Operation>; readonly structures: Map<string, Structure> }
const CACHE: Readonly<Record<Api, Cached>> = {
  v1: { operations: new Map(), structures: new Map() },
  v2: { operations: new Map(), structures: new Map() },
}

/** An operation by its name, which may be anything that a caller sent. */
export function findOperation(api: Api, name: string): Operation | undefined {
  const known = CACHE[api].operations.get(name)
  if (known) return known
  const { operations } = MODELS[api]
  const data = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (!data) return undefined
  const operation = { api, name, data, input: structure(api, data.input), output: structure(api, data.output) }
  CACHE[api].operations.set(name, operation)
  return operation
}

function structure(api: Api, name: string | null): Structure {
  if (name === null) return { api, name: '', members: [] }
  const known = CACHE[api].structures.get(name)
  if (known) return known
  const data = MODELS[api].structures[name] ?? NOTHING
  const resolved = { api, name, members: membersOf(api, name, data) }
  CACHE[api].structures.set(name, resolved)
  return resolved
}

function membersOf(api: Api, structureName: string, data: StructureData): readonly Member[] {
  return Object.entries(data.members).map(([name, type], index) => {
    const id = `${structureName}.${name}`
    const queryName = data.queries?.[name]
    return {
      name,
      id,
      type: parseType(api, type, id),
      required: index < data.required,
      place: data.labels?.includes(name) ? 'label' : queryName === undefined ? 'body' : 'query',
      queryName: queryName ?? name,
      rule: ruleFor(api, id),
    }
  })
}

/** Reads the notation of {@link StructureData.members}. */
function parseType(api: Api, notation: string, id: string): Type {
  if (notation.endsWith('[]')) return { kind: 'list', element: parseType(api, notation.slice(0, -2), id) }
  if (notation.startsWith('{')) {
    const colon = notation.indexOf(':')
    const key = parseType(api, notation.slice(1, colon), id)
    return { kind: 'map', key, value: parseType(api, notation.slice(colon + 1, -1), id) }
  }
  switch (notation) {
    case 'string':
    case 'boolean':
    case 'timestamp':
    case 'blob':
      return { kind: notation }
    case 'number':
      return { kind: 'number', number: numberKind(api, id) }
  }
  const values = MODELS[api].enums[notation]
  if (values) return { kind: 'string', enum: { name: notation, values } }
  return { kind: 'structure', structure: structure(api, notation) }
}

/** The member as AWS's messages write it: `FromEmailAddress` → `fromEmailAddress`. */
export function messageName(member: string): string {
  return member.charAt(0).toLowerCase() + member.slice(1)
}
