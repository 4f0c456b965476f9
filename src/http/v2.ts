/** SES v2, the REST-JSON protocol: path, query string and JSON in, JSON out. */
import { FAILURES } from '../errors/catalogue.ts'
import { fail } from '../errors/fail.ts'
import type { Member, Structure, Type } from '../model/shapes.ts'
import { decodeForm, forEachParameter } from './form.ts'
import { jsonReader, parseJson } from './json-decode.ts'
import { jsonWriter } from './json-encode.ts'
import type { Protocol } from './protocol.ts'
import type { Match } from './router.ts'
import { matchPath } from './router.ts'
import { readBoolean, readNumber, readTimestamp } from './scalars.ts'
import { validator } from './validate.ts'

export const v2: Protocol = {
  api: 'v2',
  // Room for a message of the limit in base64, and for SES's own words on one that is somewhat larger.
  bodyLimit: ({ messageBytes }) => Math.ceil(messageBytes * 1.5) + 1024 * 1024,
  routeTarget({ method, path }) {
    if (!matchPath(method, path)) fail('UnknownOperation', null)
  },
  route({ method, path, query }, body) {
    const match = matchPath(method, path) ?? fail('UnknownOperation', null)
    const { operation, labels } = match
    const codec = codecFor(match)
    return {
      operation,
      decode() {
        const input = codec.hasBody ? codec.readBody(parseJson(body)) : {}
        codec.labels.forEach(({ name, read }, index) => {
          input[name] = read(decodeLabel(labels[index] ?? ''))
        })
        if (codec.queries.length > 0) readQueries(query, codec.queries, input)
        codec.validate(input)
        return input
      },
      reply: (output) => ({
        status: operation.data.status ?? 200,
        headers: { 'Content-Type': 'application/json' },
        body: codec.write(output),
      }),
    }
  },
  failure({ failure, text }) {
    const [exception, status] = FAILURES[failure].v2
    return {
      status,
      headers: { 'Content-Type': 'application/json', 'x-amzn-ErrorType': exception },
      body: JSON.stringify({ message: text }),
    }
  },
}

type TextMember = { readonly name: string; readonly read: (text: string) => unknown }
type QueryMember = TextMember & { readonly queryName: string; readonly required: boolean; readonly isList: boolean }

type Codec = {
  readonly hasBody: boolean
  readonly readBody: (value: unknown) => Record<string, unknown>
  /** In the order in which they stand in the path. */
  readonly labels: readonly TextMember[]
  readonly queries: readonly QueryMember[]
  readonly validate: (input: unknown) => void
  readonly write: (output: unknown) => string
}

const CODECS = new Map<string, Codec>()

/** Compiled when a route is first called. */
function codecFor({ operation, template, queries }: Match): Codec {
  const key = `${operation.name} ${template}`
  const known = CODECS.get(key)
  if (known) return known
  const input = queries.length === 0 ? operation.input : withQueries(operation.input, queries)
  const members = new Map(input.members.map((member) => [member.name, member]))
  const labels = [...template.matchAll(/\{(\w+)\}/g)].flatMap(([, label = '']) => {
    const member = members.get(label)
    return member ? [{ name: label, read: textReader(member.type) }] : []
  })
  const codec = {
    hasBody: input.members.some(({ place }) => place === 'body'),
    readBody: jsonReader(input),
    labels,
    queries: input.members.filter(({ place }) => place === 'query').map(queryMember),
    validate: validator(input),
    write: jsonWriter(operation.output),
  }
  CODECS.set(key, codec)
  return codec
}

/** The structure of an earlier version, which has these members in the query string. */
function withQueries(structure: Structure, names: readonly string[]): Structure {
  const members = structure.members.map((member) =>
    names.includes(member.name) ? { ...member, place: 'query' as const } : member,
  )
  return { ...structure, members }
}

function queryMember({ name, queryName, required, type }: Member): QueryMember {
  const isList = type.kind === 'list'
  return { name, queryName, required, isList, read: textReader(isList ? type.element : type) }
}

function textReader(type: Type): (text: string) => unknown {
  switch (type.kind) {
    case 'boolean':
      return readBoolean
    case 'number': {
      const { number } = type
      return (text) => readNumber(text, number)
    }
    case 'timestamp':
      return readTimestamp
    case 'string':
      return (text) => text
    case 'blob':
    case 'list':
    case 'map':
    case 'structure':
    default:
      throw new TypeError(`A ${type.kind} can stand neither in a path nor in a query string`)
  }
}

/** A label is percent-encoded, where a plus is a plus. */
function decodeLabel(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return fail('Serialization', null)
  }
}

/** A list's parameter is repeated; of a scalar's the last one counts. */
function readQueries(query: string, members: readonly QueryMember[], input: Record<string, unknown>): void {
  const given = new Map<string, string[]>()
  forEachParameter(query, (rawName, value) => {
    const name = decodeForm(rawName)
    const values = given.get(name)
    if (values) values.push(decodeForm(value))
    else given.set(name, [decodeForm(value)])
  })
  for (const { name, queryName, required, isList, read } of members) {
    const values = given.get(queryName)
    const last = values?.at(-1)
    if (values === undefined || last === undefined) {
      if (required) fail('MissingQueryParameter', null)
    } else {
      input[name] = isList ? values.map((value) => read(value)) : read(last)
    }
  }
}
