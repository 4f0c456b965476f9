/** Finds the v2 operation of a method and path. The templates are the model's: `/v2/email/templates/{TemplateName}`. */
import { MODELS } from '../model/load.ts'
import type { Operation } from '../model/shapes.ts'
import { findOperation } from '../model/shapes.ts'

type Node = {
  readonly literals: Map<string, Node>
  label: Node | undefined
  /** By method. */
  readonly operations: Map<string, string>
}

type Match = { readonly operation: Operation; readonly labels: readonly string[] }

/** Longer than any template. */
const MAX_SEGMENTS = 12

let tree: Node | undefined

/** `labels`: what stands for the template's placeholders, in order and percent-encoded. A final slash makes no difference. */
export function matchPath(method: string, path: string): Match | undefined {
  tree ??= buildTree()
  const segments = segmentsOf(path)
  if (segments.length > MAX_SEGMENTS) return undefined
  const labels: string[] = []
  const name = find(tree, segments, 0, method, labels)
  const operation = name === undefined ? undefined : findOperation('v2', name)
  return operation && { operation, labels }
}

function segmentsOf(path: string): readonly string[] {
  const segments = path.split('/')
  if (segments.at(-1) === '') segments.pop()
  return segments
}

function buildTree(): Node {
  const root = emptyNode()
  for (const [name, { method = '', path = '' }] of Object.entries(MODELS.v2.operations)) {
    let node = root
    for (const segment of segmentsOf(path)) node = childOf(node, segment)
    node.operations.set(method, name)
  }
  return root
}

function emptyNode(): Node {
  return { literals: new Map(), label: undefined, operations: new Map() }
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
): string | undefined {
  const segment = segments[at]
  if (segment === undefined) return node.operations.get(method)
  const literal = node.literals.get(segment)
  const found = literal && find(literal, segments, at + 1, method, labels)
  if (found !== undefined || !node.label || segment === '') return found
  labels.push(segment)
  const below = find(node.label, segments, at + 1, method, labels)
  if (below === undefined) labels.pop()
  return below
}
