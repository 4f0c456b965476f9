/**
 * The part of a site's limits that is this node's. Limits are those of all nodes that deliver together; each takes an
 * even part, the first ones what is left over, so that the parts add up to the limit. One connection is the least: with
 * more nodes than connections there are as many as nodes.
 */
import type { Shape } from './pace.ts'

/** Live nodes that deliver, and how many of them came before this one. */
export type Share = { readonly nodes: number; readonly rank: number }

export const WHOLE: Share = { nodes: 1, rank: 0 }

export function partOf({ connections, perMinute }: Shape, { nodes, rank }: Share): Shape {
  const each = Math.floor(connections / nodes)
  const isGivenMore = rank < connections - each * nodes
  return {
    connections: Number.isFinite(connections) ? Math.max(1, each + (isGivenMore ? 1 : 0)) : connections,
    perMinute: perMinute === undefined ? undefined : perMinute / nodes,
  }
}
