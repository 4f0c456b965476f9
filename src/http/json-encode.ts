/** Writes v2 answers by the model: only its members, epoch-second timestamps, base64 blobs. */
import type { Member, Structure, Type } from '../model/shapes.ts'
import { javaDouble } from './java-double.ts'
import { isObject } from './objects.ts'

type Write = (value: unknown) => string

/** Compiles the writer of a structure; members that are undefined or null are left out. */
export function jsonWriter(structure: Structure): Write {
  const members = structure.members.map(({ name, type }: Member) => ({
    name,
    lead: `${JSON.stringify(name)}:`,
    write: writer(type),
  }))
  return (value) => {
    if (!isObject(value)) throw new TypeError(`${structure.name} is not an object`)
    let text = ''
    for (const { name, lead, write } of members) {
      const member = value[name]
      if (member === undefined || member === null) continue
      text += (text === '' ? '' : ',') + lead + write(member)
    }
    return `{${text}}`
  }
}

function writer(type: Type): Write {
  switch (type.kind) {
    case 'string':
      return (value) => {
        if (typeof value !== 'string') throw new TypeError('A string member is not a string')
        return JSON.stringify(value)
      }
    case 'boolean':
      return (value) => (value === true ? 'true' : 'false')
    case 'number':
      return type.number === 'Double' ? (value) => javaDouble(Number(value)) : wholeNumber
    case 'timestamp':
      return (value) => {
        if (!(value instanceof Date)) throw new TypeError('A timestamp member is not a Date')
        return javaDouble(value.getTime() / 1000)
      }
    case 'blob':
      return (value) => {
        if (!(value instanceof Uint8Array)) throw new TypeError('A blob member is not a Uint8Array')
        return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`
      }
    case 'list': {
      const element = writer(type.element)
      return (value) => {
        if (!Array.isArray(value)) throw new TypeError('A list member is not an array')
        return `[${value.map((each: unknown) => element(each)).join(',')}]`
      }
    }
    case 'map': {
      const member = writer(type.value)
      return (value) => {
        if (!isObject(value)) throw new TypeError('A map member is not an object')
        const entries = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}:${member(each)}`)
        return `{${entries.join(',')}}`
      }
    }
    case 'structure':
    default:
      return jsonWriter(type.structure)
  }
}

function wholeNumber(value: unknown): string {
  const text = String(value)
  if (!/^-?[0-9]+$/.test(text)) throw new TypeError(`${text} is no whole number`)
  return text
}
