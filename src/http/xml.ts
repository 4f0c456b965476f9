/** Writes v1 answers as AWS does: indented XML in SES's namespace. */
import type { Member, Structure, Type } from '../model/shapes.ts'
import { javaDouble } from './java-double.ts'
import { isObject } from './objects.ts'

const NAMESPACE = 'http://ses.amazonaws.com/doc/2010-12-01/'

type Write = (value: unknown, indent: string) => string

// What XML 1.0 §2.2 has no way of writing, not even as a reference: most control characters and half surrogate pairs.
/* oxlint-disable no-control-regex -- they are what is looked for */
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g
const SPECIAL = /[&<>\r\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/
/* oxlint-enable no-control-regex */

/** Text between tags. A CR would be read as LF unless written as a reference (XML 1.0 §2.11). */
export function escapeXml(content: string): string {
  if (!SPECIAL.test(content)) return content
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;')
    .replaceAll(UNWRITABLE, '\ufffd')
}

/** The body of a success: `result` is what the compiled writer of the output made. */
export function successDocument(operation: string, result: string, requestId: string): string {
  return (
    `<${operation}Response xmlns="${NAMESPACE}">\n` +
    (result === '' ? `  <${operation}Result/>\n` : `  <${operation}Result>\n${result}  </${operation}Result>\n`) +
    `  <ResponseMetadata>\n    <RequestId>${requestId}</RequestId>\n  </ResponseMetadata>\n` +
    `</${operation}Response>\n`
  )
}

/** The body of a failure; `detail` are the members that stand beside the message, such as `ConfigurationSetName`. */
export function errorDocument(
  error: { readonly status: number; readonly code: string; readonly message: string | null },
  detail: Readonly<Record<string, string>>,
  requestId: string,
): string {
  return (
    `<ErrorResponse xmlns="${NAMESPACE}">\n  <Error>\n` +
    line('Type', error.status < 500 ? 'Sender' : 'Receiver') +
    line('Code', error.code) +
    (error.message === null ? '' : line('Message', error.message)) +
    Object.entries(detail)
      .map(([name, content]) => line(name, content))
      .join('') +
    `  </Error>\n  <RequestId>${requestId}</RequestId>\n</ErrorResponse>\n`
  )
}

function line(name: string, content: string): string {
  return `    <${name}>${escapeXml(content)}</${name}>\n`
}

/** Compiles the writer of a structure's members, one line or block each, at the depth of a result's content. */
export function xmlWriter(structure: Structure): (value: unknown) => string {
  const write = structureWriter(structure)
  return (value) => write(value, '    ')
}

function structureWriter(structure: Structure): Write {
  const members = structure.members.map(({ name, type }: Member) => ({ name, write: elementWriter(name, type) }))
  return (value, indent) => {
    if (!isObject(value)) throw new TypeError(`${structure.name} is not an object`)
    let lines = ''
    for (const { name, write } of members) {
      const member = value[name]
      if (member !== undefined && member !== null) lines += write(member, indent)
    }
    return lines
  }
}

/** `<Name>…</Name>`, or `<Name/>` around nothing. */
function elementWriter(name: string, type: Type): Write {
  const scalar = scalarWriter(type)
  if (scalar) return (value, indent) => `${indent}<${name}>${scalar(value)}</${name}>\n`
  const content = contentWriter(type)
  return (value, indent) => {
    const inner = content(value, `${indent}  `)
    return inner === '' ? `${indent}<${name}/>\n` : `${indent}<${name}>\n${inner}${indent}</${name}>\n`
  }
}

function contentWriter(type: Type): Write {
  if (type.kind === 'list') {
    const element = elementWriter('member', type.element)
    return (value, indent) => {
      if (!Array.isArray(value)) throw new TypeError('A list member is not an array')
      return value.map((each: unknown) => element(each, indent)).join('')
    }
  }
  if (type.kind === 'map') {
    const key = elementWriter('key', type.key)
    const member = elementWriter('value', type.value)
    return (value, indent) => {
      if (!isObject(value)) throw new TypeError('A map member is not an object')
      const entry = ([name, each]: [string, unknown]) =>
        `${indent}<entry>\n${key(name, `${indent}  `)}${member(each, `${indent}  `)}${indent}</entry>\n`
      return Object.entries(value).map(entry).join('')
    }
  }
  if (type.kind === 'structure') return structureWriter(type.structure)
  throw new TypeError(`${type.kind} is a scalar`)
}

function scalarWriter(type: Type): ((value: unknown) => string) | undefined {
  switch (type.kind) {
    case 'string':
      return (value) => escapeXml(text(value))
    case 'boolean':
      return String
    case 'number':
      return type.number === 'Double' ? (value) => javaDouble(Number(value)) : String
    case 'timestamp':
      return (value) => isoTime(value)
    case 'blob':
      return (value) => {
        if (!(value instanceof Uint8Array)) throw new TypeError('A blob member is not a Uint8Array')
        return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
      }
    case 'list':
    case 'map':
    case 'structure':
    default:
      return undefined
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('A string member is not a string')
  return value
}

/** `2026-11-23T10:11:12.345Z`, and without the fraction where it is nought. */
function isoTime(value: unknown): string {
  if (!(value instanceof Date)) throw new TypeError('A timestamp member is not a Date')
  return value.toISOString().replace('.000Z', 'Z')
}
