/** Parameters of a v1 call, from its form body or query string: decoded, counted, and put together to a tree by their dots. */
import { fail } from '../errors/fail.ts'

/** `Destination.ToAddresses.member.1=a@b` is four nodes deep, and the last one has the value. */
export type FormNode = { value: string | undefined; children: Map<string, FormNode> | undefined }

/** SendBulkTemplatedEmail, the widest operation, has some thousands: 50 destinations of 50 addresses and as many tags. */
const MAX_PARAMETERS = 20_000
const MAX_DEPTH = 16
const MAX_KEY_LENGTH = 512

/** Calls `take` with name and value of each parameter, in order, still percent-encoded. An empty text has none. */
export function forEachParameter(text: string, take: (name: string, value: string) => void): void {
  let start = 0
  while (start < text.length) {
    const ampersand = text.indexOf('&', start)
    const end = ampersand === -1 ? text.length : ampersand
    if (end > start) {
      const equals = text.indexOf('=', start)
      if (equals === -1 || equals > end) take(text.slice(start, end), '')
      else take(text.slice(start, equals), text.slice(equals + 1, end))
    }
    start = end + 1
  }
}

/** `application/x-www-form-urlencoded` to text. Throws MalformedQueryString where an escape is no UTF-8. */
export function decodeForm(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return fail('MalformedQueryString', 'The query string contains a syntax error.')
  }
}

export type Form = {
  /** The parameter of that name without any dot, such as `Action`. */
  get(name: string): string | undefined
  readonly root: FormNode
}

/** Reads the parameters of query string and body together. Of two with the same name the later one counts. */
export function parseForm(...texts: readonly string[]): Form {
  const root: FormNode = { value: undefined, children: undefined }
  const find = finder(root)
  let count = 0
  for (const text of texts) {
    forEachParameter(text, (name, value) => {
      if (++count > MAX_PARAMETERS) fail('MalformedQueryString', `More than ${MAX_PARAMETERS} parameters.`)
      find(decodeForm(name)).value = decodeForm(value)
    })
  }
  return { root, get: (name) => root.children?.get(name)?.value }
}

/** Neighbours mostly have all but their last segment in common, so that the node above is remembered. */
function finder(root: FormNode): (key: string) => FormNode {
  let above: string | undefined
  let parent = root
  return (key) => {
    if (key.length > MAX_KEY_LENGTH) fail('MalformedQueryString', 'A parameter name is too long.')
    const lastDot = key.lastIndexOf('.')
    if (lastDot === -1) return childOf(root, key)
    const path = key.slice(0, lastDot)
    if (path !== above) {
      parent = descend(root, path)
      above = path
    }
    return childOf(parent, key.slice(lastDot + 1))
  }
}

function descend(root: FormNode, path: string): FormNode {
  const names = path.split('.')
  if (names.length >= MAX_DEPTH) fail('MalformedQueryString', 'A parameter name is too deep.')
  return names.reduce(childOf, root)
}

function childOf(node: FormNode, name: string): FormNode {
  node.children ??= new Map()
  const known = node.children.get(name)
  if (known) return known
  const child = { value: undefined, children: undefined }
  node.children.set(name, child)
  return child
}
