/** Finds the v2 operation of a method and path. The templates are the model's: `/v2/email/templates/{TemplateName}`. */
import { EARLIER_ROUTES } from '../model/earlier-routes.ts'
import { MODELS } from '../model/load.ts'
import type { Operation } from '../model/shapes.ts'
import { findOperation } from '../model/shapes.ts'

type Node = {
  readonly literals: Map<string, Node>
  label: Node | undefined
  /** By method. */
  readonly routes: Map<string, Route>
}

type Route = { readonly operation: string; readonly path: string; readonly queries: readonly string[] }

export type Match = {
  readonly operation: Operation
  /** The template that fits. */
  readonly template: string
  /** What stands for the template's placeholders, in order and percent-encoded. */
  readonly labels: readonly string[]
  /** Members that an earlier version of the operation has in the query string. */
  readonly queries: readonly string[]
}

/** Longer than any template. */
const MAX_SEGMENTS = 12

let tree: Node | undefined

/** A final slash makes no difference. */
export function matchPath(method: string, path: string): Match | undefined {
  const known = WITHOUT_LABELS.get(method)?.get(path)
  if (known !== undefined) return known
  const found = findMatch(method, path)
  if (found?.labels.length === 0) {
    const ofMethod = WITHOUT_LABELS.get(method) ?? new Map<string, Match>()
    WITHOUT_LABELS.set(method, ofMethod.set(path, found))
  }
  return found
}

/** By method and path: no more than there are templates, with and without a final slash. */
const WITHOUT_LABELS = new Map<string, Map<string, Match>>()

function findMatch(method: string, path: string): Match | undefined {
  tree ??= buildTree()
  const segments = segmentsOf(path)
  if (segments.length > MAX_SEGMENTS) return undefined
  const labels: string[] = []
  const route = find(tree, segments, 0, method, labels)
  const operation = route && findOperation('v2', route.operation)
  return operation && { operation, template: route.path, labels, queries: route.queries }
}

function segmentsOf(path: string): readonly string[] {
  const segments = path.split('/')
  if (segments.at(-1) === '') segments.pop()
  return segments
}

function buildTree(): Node {
  const root = emptyNode()
  for (const { operation, method, path, queries } of EARLIER_ROUTES) add(root, method, { operation, path, queries })
  for (const [operation, { method = '', path = '' }] of Object.entries(MODELS.v2.operations)) {
    add(root, method, { operation, path, queries: [] })
  }
  return root
}

function add(root: Node, method: string, route: Route): void {
  segmentsOf(route.path).reduce(childOf, root).routes.set(method, route)
}

function emptyNode(): Node {
  return { literals: new Map(), label: undefined, routes: new Map() }
}

function childOf(node: Node, segment: string): Node {
  if (segment.startsWith('{')) return (node.label ??= emptyNode())
  const known = node.literals.get(segment) ?? emptyNode()
  node.literals.set(segment, known)
  return known
}

/** A literal is preferred; where nothing below it fits, the segment may still be a label (`GET …/import-jobs/list`). */
function find(
  node: Node,
  segments: readonly string[],
  at: number,
  method: string,
  labels: string[],
): Route | undefined {
  const segment = segments[at]
  if (segment === undefined) return node.routes.get(method)
  const literal = node.literals.get(segment)
  const found = literal && find(literal, segments, at + 1, method, labels)
  if (found !== undefined || !node.label || segment === '') return found
  labels.push(segment)
  const below = find(node.label, segments, at + 1, method, labels)
  if (below === undefined) labels.pop()
  return below
}
