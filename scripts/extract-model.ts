/**
 * Writes src/model/ses-v1.json and ses-v2.json: what AWS's own SDK packages know of their operations.
 * Structures, routes, required members and error codes come from the run-time schemas;
 * which member is which enum stands only in the .d.ts files. `npm run model` after an upgrade of the packages.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NormalizedSchema } from '@smithy/core/schema'
import * as ses from '@aws-sdk/client-ses'
import * as sesV2 from '@aws-sdk/client-sesv2'
import type { ErrorData, ModelData, OperationData, StructureData } from '../src/model/load.ts'

type Api = 'v1' | 'v2'
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const PACKAGES = {
  v1: { name: '@aws-sdk/client-ses', exports: ses as Record<string, unknown> },
  v2: { name: '@aws-sdk/client-sesv2', exports: sesV2 as Record<string, unknown> },
} as const

export const MODEL_FILES: Readonly<Record<Api, string>> = {
  v1: fileURLToPath(new URL('../src/model/ses-v1.json', import.meta.url)),
  v2: fileURLToPath(new URL('../src/model/ses-v2.json', import.meta.url)),
}

// The SDK's schema tuples: [kind, namespace, name, traits, …], see @smithy/types' StaticSchema.
const OPERATION = 9
const ERROR = -3
type OperationTuple = [9, string, string, { http?: [string, string, number] }, unknown, unknown]
type ErrorTuple = [-3, string, string, { awsQueryError?: [string, number]; httpError?: number }, string[], unknown[]]

/** Reads the installed package of one API. */
export function extractModel(api: Api): ModelData {
  const { name, exports } = PACKAGES[api]
  const declared = readDeclarations(name)
  const structures = new Map<string, StructureData>()
  const operations: Record<string, OperationData> = {}
  const errors: Record<string, ErrorData> = {}

  for (const [exported, value] of Object.entries(exports).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!exported.endsWith('$') || !Array.isArray(value)) continue
    if (value[0] === OPERATION) {
      const [, , operation, traits, input, output] = value as OperationTuple
      const http = traits.http
      operations[operation] = {
        input: structureOf(schema(input), structures, declared),
        output: structureOf(schema(output), structures, declared),
        ...(http && { method: http[0], path: http[1], status: http[2] }),
      }
    } else if (value[0] === ERROR) {
      const [, , error, traits, members] = value as ErrorTuple
      const [code, status] = traits.awsQueryError ?? [error, traits.httpError]
      // The base class of the package's exceptions has no status: it is nothing that a service sends.
      if (status !== undefined)
        errors[error] = { code, status, members: members.filter((member) => member !== 'message') }
    }
  }
  return { operations, structures: sorted(structures), enums: sorted(usedEnums(structures, declared.enums)), errors }
}

/** One JSON file: an entry to a line, so that an upgrade can be read in a diff. */
export function serialize(model: ModelData): string {
  const section = (name: keyof ModelData) => {
    const entries = Object.entries(model[name]).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    return `"${name}":{\n${entries.join(',\n')}\n}`
  }
  return `{\n${(['operations', 'structures', 'enums', 'errors'] as const).map(section).join(',\n')}\n}\n`
}

type Declarations = { readonly enums: Map<string, readonly string[]>; readonly members: Map<string, string> }

/** The enums with their values, and the type of each member as it is written (`Structure.Member` → `EventType[]`). */
function readDeclarations(packageName: string): Declarations {
  const main = createRequire(import.meta.url).resolve(packageName)
  const folder = join(dirname(main), '../dist-types/models')
  const enums = new Map<string, readonly string[]>()
  const members = new Map<string, string>()
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.d.ts'))) {
    const text = readFileSync(join(folder, file), 'utf8')
    for (const [, name = '', body = ''] of text.matchAll(/^export declare const (\w+): \{\n([^}]*)^\};/gm)) {
      enums.set(
        name,
        [...body.matchAll(/^ {4}readonly "?[^":]+"?: "([^"]+)";$/gm)].map(([, value = '']) => value),
      )
    }
    for (const [, name = '', body = ''] of text.matchAll(/^export interface (\w+)[^{]*\{\n(.*?)^\}/gms)) {
      for (const [, member = '', type = ''] of body.matchAll(/^ {4}(\w+)\??: ([^;]+);$/gm)) {
        members.set(`${name}.${member}`, type)
      }
    }
  }
  return { enums, members }
}

function schema(source: unknown): NormalizedSchema {
  return NormalizedSchema.of(source as Parameters<typeof NormalizedSchema.of>[0])
}

/** Notes the structure and all it holds; null for an operation that takes or gives nothing. */
function structureOf(shape: NormalizedSchema, structures: Map<string, StructureData>, declared: Declarations) {
  if (shape.isUnitSchema()) return null
  const name = shape.getName() ?? ''
  if (structures.has(name)) return name
  const data: Mutable<StructureData> = { required: requiredCount(shape), members: {} }
  structures.set(name, data)
  const members: Record<string, string> = {}
  const labels: string[] = []
  const queries: Record<string, string> = {}
  for (const [member, memberShape] of shape.structIterator()) {
    const traits = memberShape.getMergedTraits()
    members[member] = typeName(memberShape, structures, declared, enumIn(declared, `${name}.${member}`))
    if (traits.httpLabel) labels.push(member)
    if (traits.httpQuery) queries[member] = traits.httpQuery
  }
  data.members = members
  if (labels.length > 0) data.labels = labels
  if (Object.keys(queries).length > 0) data.queries = queries
  if (shape.isUnionSchema()) data.union = true
  return name
}

/** The required members come first, and the tuple ends with their count. */
function requiredCount(shape: NormalizedSchema): number {
  const count: unknown = (shape.getSchema() as unknown as unknown[])[6]
  return typeof count === 'number' ? count : 0
}

function enumIn(declared: Declarations, member: string): string | undefined {
  return declared.members
    .get(member)
    ?.match(/\w+/g)
    ?.find((word) => declared.enums.has(word))
}

/** `string`, `EventType[]`, `{MetricDimensionName:string}` … An enum is named where the text stands. */
function typeName(
  shape: NormalizedSchema,
  structures: Map<string, StructureData>,
  declared: Declarations,
  enumName: string | undefined,
): string {
  if (shape.isListSchema()) return `${typeName(shape.getValueSchema(), structures, declared, enumName)}[]`
  if (shape.isMapSchema())
    return `{${enumName ?? 'string'}:${typeName(shape.getValueSchema(), structures, declared, undefined)}}`
  if (shape.isStructSchema()) return structureOf(shape, structures, declared) ?? 'string'
  if (shape.isBlobSchema()) return 'blob'
  if (shape.isTimestampSchema()) return 'timestamp'
  if (shape.isBooleanSchema()) return 'boolean'
  if (shape.isNumericSchema()) return 'number'
  if (shape.isStringSchema()) return enumName ?? 'string'
  throw new Error(`No notation for the schema of ${shape.getName() ?? 'an unnamed shape'}`)
}

function usedEnums(structures: Map<string, StructureData>, enums: Map<string, readonly string[]>) {
  const words = new Set(
    [...structures.values()]
      .flatMap(({ members }) => Object.values(members))
      .flatMap((type) => type.match(/\w+/g) ?? []),
  )
  return new Map([...enums].filter(([name]) => words.has(name)))
}

function sorted<T>(map: Map<string, T>): Record<string, T> {
  return Object.fromEntries([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

if (import.meta.main) {
  for (const api of ['v1', 'v2'] as const) writeFileSync(MODEL_FILES[api], serialize(extractModel(api)))
}
