/** Every operation of both APIs over a real socket, with AWS's own clients as the judge of our codecs. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as ses from '@aws-sdk/client-ses'
import * as sesv2 from '@aws-sdk/client-sesv2'
import { NormalizedSchema } from '@smithy/core/schema'
import { FAILURES, isFailure } from '../src/errors/catalogue.ts'
import { fail } from '../src/errors/fail.ts'
import { ruleFor } from '../src/model/constraints.ts'
import type { Api } from '../src/model/load.ts'
import { MODELS } from '../src/model/load.ts'
import type { TestHttp } from './support/http.ts'
import { startHttp } from './support/http.ts'

type Sdk = Readonly<Record<string, unknown>>
type Sender = { send(command: unknown): Promise<Record<string, unknown>> }
type CommandClass = new (input: unknown) => unknown

const SDKS: Readonly<Record<Api, Sdk>> = { v1: ses, v2: sesv2 }
const COUNT = { v1: 71, v2: 116 } as const

/** With it the client demands a signature of another kind (SigV4a), see sigv4.test.ts. */
const UNSENDABLE = new Set(['SendEmailRequest.EndpointId', 'SendBulkEmailRequest.EndpointId'])

/** Texts that a careless codec would bend: markup, controls that XML must refer to, form and path syntax, both ends padded. */
const TEXT = ' <a href="x">&amp; \r\n\t\u20ac\u{1f4e7} 100% a+b=c/d?e;f\\ ]]> '
const MOMENT = new Date(1_768_478_400_123)
/** Path labels are compared with less: a client refuses some texts there. */
const LABEL = 'user+tag@example.com/ü %2F?&'

/** Values for every member, walked along the SDK's own schema; enums and constraints, which it lacks, come from our tables. */
function fullValue(api: Api, shape: NormalizedSchema, id: string, place: 'label' | 'query' | 'body'): unknown {
  if (shape.isListSchema()) {
    return [1, 2]
      .map(() => fullValue(api, shape.getValueSchema(), id, place))
      .slice(0, ruleFor(api, id)?.length?.max ?? 2)
  }
  if (shape.isMapSchema())
    return { [enumOf(api, id) ?? `<key> & "${id}"`]: fullValue(api, shape.getValueSchema(), '', place) }
  if (shape.isStructSchema()) return fullStructure(api, shape)
  if (shape.isBlobSchema()) return Uint8Array.from([0, 1, 2, 250, 251, 252, 253, 254, 255])
  if (shape.isTimestampSchema()) return place === 'query' ? new Date(1_768_478_400_000) : MOMENT
  if (shape.isBooleanSchema()) return true
  if (shape.isNumericSchema()) return ruleFor(api, id)?.range?.min ?? 42
  return enumOf(api, id) ?? constrainedText(api, id) ?? (place === 'label' ? LABEL : TEXT)
}

function fullStructure(api: Api, shape: NormalizedSchema): Record<string, unknown> {
  const name = shape.getName() ?? ''
  const members = [...shape.structIterator()].filter(([member]) => !UNSENDABLE.has(`${name}.${member}`))
  const chosen = shape.isUnionSchema() ? members.slice(-1) : members
  return Object.fromEntries(
    chosen.map(([member, memberShape]) => {
      const { httpLabel, httpQuery } = memberShape.getMergedTraits()
      const place = httpLabel ? 'label' : httpQuery ? 'query' : 'body'
      return [member, fullValue(api, memberShape, `${name}.${member}`, place)]
    }),
  )
}

function enumOf(api: Api, id: string): string | undefined {
  const [structure = '', member = ''] = id.split('.')
  const type = MODELS[api].structures[structure]?.members[member] ?? ''
  const name = type.match(/\w+/)?.[0] ?? ''
  return MODELS[api].enums[name]?.[0]
}

const EXAMPLES = [
  'name',
  'ab@example.com',
  's3://bucket/key',
  'dG9rZW4=',
  'arn:aws:iam::123456789012:role/sender',
  'arn:aws:ses:us-east-1:123456789012:mailmanager-archive/a-abcdefghijklmnopqrstuvwxyz',
  'arn:aws:connect:us-east-1:123456789012:instance/01234567-89ab-cdef-0123-456789abcdef',
]

function constrainedText(api: Api, id: string): string | undefined {
  const rule = ruleFor(api, id)
  const own = rule?.each ?? rule
  if (!own) return undefined
  const fits = (text: string) =>
    (own.pattern?.expression.test(text) ?? true) &&
    text.length >= (own.length?.min ?? 0) &&
    text.length <= (own.length?.max ?? Infinity)
  return [TEXT, ...EXAMPLES].find(fits)
}

function schemaOf(sdk: Sdk, operation: string, side: 4 | 5): NormalizedSchema {
  const tuple = sdk[`${operation}$`] as readonly Parameters<typeof NormalizedSchema.of>[0][]
  return NormalizedSchema.of(tuple[side]!)
}

function client(http: TestHttp, api: Api): Sender {
  return http[api === 'v1' ? 'ses' : 'sesv2']
}

function command(sdk: Sdk, operation: string, input: unknown): unknown {
  const Command = sdk[`${operation}Command`] as CommandClass
  return new Command(input)
}

/** An input that the client will send: labels are required, and nothing else is. */
function labelsOnly(api: Api, schema: NormalizedSchema): Record<string, unknown> {
  return schema.isUnitSchema() ? {} : fullStructure(api, schema)
}

/** Byte arrays of any class, and maps of any prototype, are the same. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`
  if (value instanceof Date) return `time:${value.toISOString()}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

for (const api of ['v1', 'v2'] as const) {
  const sdk = SDKS[api]
  const operations = Object.keys(MODELS[api].operations)

  describe(`the codecs of ${api}`, () => {
    test('the model has every operation of the SDK', () => {
      const commands = Object.keys(sdk).filter((name) => name.endsWith('Command') && name !== '$Command')
      assert.deepEqual(operations.toSorted(), commands.map((name) => name.slice(0, -'Command'.length)).toSorted())
      assert.equal(operations.length, COUNT[api])
    })

    test('an input with every member set arrives equal, for every operation', async () => {
      await using http = await startHttp({ invoke: async () => ({}) })
      for (const operation of operations) {
        const schema = schemaOf(sdk, operation, 4)
        const input = labelsOnly(api, schema)
        await client(http, api).send(command(sdk, operation, input))
        const arrived = http.calls.at(-1)
        assert.equal(arrived?.call.operation, operation)
        assert.deepEqual(plain(arrived.input), plain(input), operation)
      }
      assert.equal(http.calls.length, operations.length)
      assert.deepEqual(http.errors, [])
    })

    test('an output with every member set is read equal, for every operation', async () => {
      let output: unknown
      await using http = await startHttp({ invoke: async () => output })
      for (const operation of operations) {
        const schema = schemaOf(sdk, operation, 5)
        output = schema.isUnitSchema() ? {} : fullStructure(api, schema)
        const { $metadata, ...read } = await client(http, api).send(
          command(sdk, operation, labelsOnly(api, schemaOf(sdk, operation, 4))),
        )
        assert.deepEqual(plain(read), plain(output), operation)
        assert.match(String(($metadata as { requestId?: string }).requestId), /^[0-9a-f-]{36}$/)
      }
      assert.deepEqual(http.errors, [])
    })

    test('an output without any member is read as such, for every operation', async () => {
      await using http = await startHttp({ invoke: async () => ({}) })
      for (const operation of operations) {
        const input = labelsOnly(api, schemaOf(sdk, operation, 4))
        const { $metadata: _, ...read } = await client(http, api).send(command(sdk, operation, input))
        assert.deepEqual(read, {}, operation)
      }
    })

    test('modelled failures arrive as the exceptions of the SDK, with their members', async () => {
      const { errors } = MODELS[api]
      const byCode = new Map(
        Object.entries(errors).map(([exception, { code, members }]) => [code, { exception, members }]),
      )
      let failure = ''
      let tried = 0
      let detail: Record<string, string> = {}
      await using http = await startHttp({
        invoke: async () => (isFailure(failure) ? fail(failure, `It is <so> & "so": ${failure}.`, detail) : {}),
      })
      for (const [name, row] of Object.entries(FAILURES)) {
        const [code, status] = row[api]
        const modelled = byCode.get(code)
        if (!modelled) continue
        failure = name
        detail = api === 'v1' ? Object.fromEntries(modelled.members.map((member) => [member, `the ${member}`])) : {}
        const Exception = sdk[modelled.exception] as abstract new (...args: never[]) => Error
        const error: unknown = await client(http, api)
          .send(command(sdk, 'ListIdentities' in MODELS[api].operations ? 'ListIdentities' : 'ListEmailIdentities', {}))
          .catch((caught: unknown) => caught)
        assert.ok(error instanceof Exception, `${name} came as ${String(error)}`)
        assert.equal(error.message, `It is <so> & "so": ${name}.`)
        const { $metadata, ...members } = error as unknown as Record<string, unknown>
        assert.equal(($metadata as { httpStatusCode: number }).httpStatusCode, status)
        for (const [member, value] of Object.entries(detail)) assert.equal(members[member], value, `${name}.${member}`)
        tried++
      }
      assert.ok(tried >= 10, `only ${tried} failures are modelled`)
      assert.deepEqual(http.errors, [])
    })
  })
}
