/** Admin API: the processes that share this installation's database. */
import type { Route } from './route.ts'

type Node = {
  readonly id: number
  readonly hostname: string
  readonly pid: number
  readonly roles: readonly string[]
  readonly startedAt: number
  readonly seenAt: number
  readonly isLive: boolean
  readonly jobs: number
}

export type Nodes = {
  /** The node that this process is. */
  readonly self: () => number
  readonly list: () => Promise<readonly Node[]>
}

/** `GET /_sesame/nodes`: in the order in which they joined. None where a store has one process (SQLite). */
export function nodeRoutes(nodes: Nodes | undefined): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/_sesame/nodes',
      access: 'admin',
      async handle() {
        const self = nodes?.self()
        const listed = (await nodes?.list()) ?? []
        return { status: 200, body: { nodes: listed.map((node) => view(node, node.id === self)) } }
      },
    },
  ]
}

function view({ id, hostname, pid, roles, startedAt, seenAt, isLive, jobs }: Node, isSelf: boolean) {
  return {
    nodeId: id,
    hostname,
    pid,
    roles,
    startedAt: new Date(startedAt).toISOString(),
    seenAt: new Date(seenAt).toISOString(),
    live: isLive,
    self: isSelf,
    jobs,
  }
}
