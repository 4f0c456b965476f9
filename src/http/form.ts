/** Parameters of a v1 call, from its form body or query string: decoded, counted, and put together to a tree by their dots. */
import { fail } from '../errors/fail.ts'

/** `Destination.ToAddresses.member.1=a@b` is four nodes deep, and the last one has the value. */
export type FormNode = { value: string | undefined; children: Children | undefined }

/** Few names mostly, which are found faster one by one; `index` is made when they become many. */
type Children = { readonly names: string[]; readonly nodes: FormNode[]; index: Map<string, FormNode> | undefined }

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
  let count = 0
  for (const text of texts) {
    forEachParameter(text, (name, value) => {
      if (++count > MAX_PARAMETERS) fail('MalformedQueryString', `More than ${MAX_PARAMETERS} parameters.`)
      nodeAt(root, decodeForm(name)).value = decodeForm(value)
    })
  }
  return { root, get: (name) => findChild(root, name)?.value }
}

function nodeAt(root: FormNode, key: string): FormNode {
  if (key.length > MAX_KEY_LENGTH) fail('MalformedQueryString', 'A parameter name is too long.')
  let node = root
  let start = 0
  for (let depth = 0; ; depth++) {
    if (depth === MAX_DEPTH) fail('MalformedQueryString', 'A parameter name is too deep.')
    const dot = key.indexOf('.', start)
    node = childOf(node, dot === -1 ? key.slice(start) : key.slice(start, dot))
    if (dot === -1) return node
    start = dot + 1
  }
}

const INDEX_FROM = 16

function childOf(node: FormNode, name: string): FormNode {
  const known = findChild(node, name)
  if (known) return known
  const child = { value: undefined, children: undefined }
  const children = (node.children ??= { names: [], nodes: [], index: undefined })
  children.names.push(name)
  children.nodes.push(child)
  if (children.index) children.index.set(name, child)
  else if (children.names.length > INDEX_FROM) children.index = new Map(childrenOf(node))
  return child
}

export function findChild({ children }: FormNode, name: string): FormNode | undefined {
  if (!children) return undefined
  if (children.index) return children.index.get(name)
  const at = children.names.indexOf(name)
  return at === -1 ? undefined : children.nodes[at]
}

/** Name and node of each, in the order of their first parameter. */
export function childrenOf({ children }: FormNode): (readonly [name: string, node: FormNode])[] {
  return children ? children.nodes.map((node, at) => [children.names[at] ?? '', node] as const) : []
}
