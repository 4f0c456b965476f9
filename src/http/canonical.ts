/** The parts of a SigV4 canonical request: path encoded twice, query sorted, headers trimmed. */
import { decodeForm, forEachParameter } from './form.ts'

const UNRESERVED_PATH = /^[A-Za-z0-9._~/-]*$/

/** The path as sent, without dot segments and doubled slashes, every segment percent-encoded once more. */
export function canonicalPath(path: string): string {
  if (UNRESERVED_PATH.test(path) && !path.includes('//') && !path.includes('/.')) return path
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  if (segments.length === 0) return '/'
  return `/${segments.map(encode).join('/')}${path.endsWith('/') ? '/' : ''}`
}

/** Parameters encoded alike and sorted by name, then value; X-Amz-Signature, which cannot sign itself, left out. */
export function canonicalQuery(query: string): string {
  if (query === '') return ''
  const pairs: [string, string][] = []
  forEachParameter(query, (name, value) => {
    if (name !== 'X-Amz-Signature') pairs.push([encode(decodeForm(name)), encode(decodeForm(value))])
  })
  return pairs
    .toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** One line a header, in the order of SignedHeaders; a header that is missing counts as empty. */
export function canonicalHeaders(headers: ReadonlyMap<string, string>, signed: readonly string[]): string {
  let lines = ''
  for (const name of signed) {
    const value = (headers.get(name) ?? '').trim()
    lines += `${name}:${value.includes('  ') ? value.replaceAll(/ {2,}/g, ' ') : value}\n`
  }
  return lines
}

/** RFC 3986 §2.3: all but unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
