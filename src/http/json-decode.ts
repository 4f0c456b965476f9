/** Reads a v2 request body by the model: strict types, in the words of SES's SerializationException. */
import { isUtf8 } from 'node:buffer'
import { fail } from '../errors/fail.ts'
import type { Member, Structure, Type } from '../model/shapes.ts'
import { readBase64 } from './base64.ts'
import { isObject } from './objects.ts'
import { readBoolean } from './scalars.ts'

type Read = (value: unknown) => unknown

/** Deeper than any shape of the model: what lies below could never be a member. */
const MAX_DEPTH = 64
/** Commas and brackets outside strings; each can become an object in memory many times its size. */
const MAX_TOKENS = 1_000_000
/** Below this size not even a body of brackets alone is worth counting. */
const SCAN_FROM_BYTES = 32 * 1024

/** The one boolean of the model that is an object in AWS's code; the others are primitives, which cannot be null. */
const NULLABLE_BOOLEAN = 'PutAccountDetailsRequest.ProductionAccessEnabled'

/** Parses a body; an empty one is an empty structure. Throws SerializationException without a message where it is no JSON. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {}
  if (!isUtf8(body)) fail('Serialization', null)
  if (body.length > SCAN_FROM_BYTES) checkSize(body)
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return fail('Serialization', null)
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Bounds depth and number of elements before anything is built of them. */
function checkSize(body: Buffer): void {
  let depth = 0
  let tokens = 0
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (byte === QUOTE) {
      at = endOfString(body, at)
      continue
    }
    const opens = byte === 0x5b || byte === 0x7b
    if (opens && ++depth > MAX_DEPTH) fail('Serialization', null)
    if (byte === 0x5d || byte === 0x7d) depth--
    if ((opens || byte === 0x2c) && ++tokens > MAX_TOKENS) fail('Serialization', null)
  }
}

/** The index of the quote that ends the string begun at `start`, or the end of the body. */
function endOfString(body: Buffer, start: number): number {
  for (let from = start + 1; ;) {
    const quote = body.indexOf(QUOTE, from)
    if (quote === -1) return body.length
    let backslashes = 0
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return quote
    from = quote + 1
  }
}

/** Compiles the reader of a structure's members that stand in the body. */
export function jsonReader(structure: Structure): (value: unknown) => Record<string, unknown> {
  const members = structure.members.filter(({ place }) => place === 'body').map((member) => compileMember(member))
  return (value) => {
    if (!isObject(value)) return fail('Serialization', misfit(value, 'Expected null'))
    const result: Record<string, unknown> = {}
    for (const { name, read, whenAbsent, nullable } of members) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined
      if (given === undefined) {
        if (whenAbsent !== undefined) result[name] = whenAbsent
      } else if (given === null) {
        if (!nullable) fail('Serialization', null)
      } else {
        result[name] = read(given)
      }
    }
    return result
  }
}

type CompiledMember = { name: string; read: Read; whenAbsent: false | undefined; nullable: boolean }

function compileMember({ name, id, type, required }: Member): CompiledMember {
  const isBoolean = type.kind === 'boolean'
  return {
    name,
    read: reader(type),
    // A primitive boolean has no way of being absent: it is false, required or not.
    whenAbsent: isBoolean && required ? false : undefined,
    nullable: !isBoolean || id === NULLABLE_BOOLEAN,
  }
}

function reader(type: Type): Read {
  switch (type.kind) {
    case 'string':
      return (value) => (typeof value === 'string' ? value : refuse(value, 'a String'))
    case 'boolean':
      return jsonBoolean
    case 'number': {
      const words = type.number === 'Integer' ? 'an Integer' : `a ${type.number}`
      const whole = type.number !== 'Double'
      return (value) =>
        typeof value === 'number' && (!whole || Number.isSafeInteger(value)) ? value : refuse(value, words)
    }
    case 'timestamp':
      return jsonTimestamp
    case 'blob':
      return (value) => (typeof value === 'string' ? readBase64(value) : refuse(value, 'a Blob'))
    case 'list': {
      const element = reader(type.element)
      // A null element is left for validation, which names its place.
      return (value) =>
        Array.isArray(value)
          ? value.map((each: unknown) => (each === null ? null : element(each)))
          : fail('Serialization', misfit(value, 'Expected list or null'))
    }
    case 'map': {
      const read = reader(type.value)
      return (value) =>
        isObject(value)
          ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, each === null ? null : read(each)]))
          : fail('Serialization', misfit(value, 'Expected map or null'))
    }
    case 'structure':
    default:
      return jsonReader(type.structure)
  }
}

function jsonBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') return readBoolean(value)
  return refuse(value, 'a Boolean')
}

/** Epoch seconds, with a fraction. */
function jsonTimestamp(value: unknown): Date {
  if (typeof value !== 'number') return refuse(value, 'milliseconds since epoch')
  const date = new Date(Math.round(value * 1000))
  return Number.isNaN(date.getTime()) ? fail('Serialization', null) : date
}

/** For a value that is of the wrong kind: a list or structure is refused as such, any other by its token. */
function refuse(value: unknown, wanted: string): never {
  return fail('Serialization', misfit(value, `${tokenOf(value)} can not be converted to ${wanted}`))
}

function misfit(value: unknown, otherwise: string): string {
  if (Array.isArray(value)) return 'Start of list found where not expected'
  if (isObject(value)) return 'Start of structure or map found where not expected.'
  return otherwise
}

function tokenOf(value: unknown): string {
  if (typeof value === 'string') return 'STRING_VALUE'
  if (typeof value === 'number') return Number.isInteger(value) ? 'NUMBER_VALUE' : 'DECIMAL_VALUE'
  return value === true ? 'TRUE_VALUE' : 'FALSE_VALUE'
}
