/** The two AWS services as data: operations, structures, enums and errors, as scripts/extract-model.ts wrote them. */
import v1 from './ses-v1.json' with { type: 'json' }
import v2 from './ses-v2.json' with { type: 'json' }

export type OperationData = {
  /** Names of structures; null: the operation takes (gives) nothing. */
  readonly input: string | null
  readonly output: string | null
  /** v2 only: method, path template (`/v2/email/templates/{TemplateName}`) and status of success. */
  readonly method?: string
  readonly path?: string
  readonly status?: number
}

export type StructureData = {
  /** The first so many members are required. */
  readonly required: number
  /** Member → type: `string`, `blob`, the name of an enum or structure, `…[]` a list, `{key:value}` a map. */
  readonly members: Readonly<Record<string, string>>
  /** Members that stand in the path. */
  readonly labels?: readonly string[]
  /** Members that stand in the query string → their name there. */
  readonly queries?: Readonly<Record<string, string>>
  readonly union?: boolean
}

export type ErrorData = { readonly code: string; readonly status: number; readonly members: readonly string[] }

export type ModelData = {
  readonly operations: Readonly<Record<string, OperationData>>
  readonly structures: Readonly<Record<string, StructureData>>
  readonly enums: Readonly<Record<string, readonly string[]>>
  readonly errors: Readonly<Record<string, ErrorData>>
}

export type Api = 'v1' | 'v2'

export const MODELS: Readonly<Record<Api, ModelData>> = { v1, v2 }
