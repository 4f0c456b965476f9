/**
 * Periodic tasks, of which one process at a time does each.
 *
 * A node holds a task as long as it lives: when it lapses another takes over at its next turn. It may happen that the
 * old one is still at it (it was paused in the middle), so that what a task does must bear being done twice.
 */
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { NodeStore } from '../store/store.ts'
import type { Node } from './node.ts'

export type TaskDeps = {
  readonly clock: Clock
  readonly log: Log
  /** undefined: this process is the only one, and does everything. */
  readonly shared: { readonly nodes: NodeStore; readonly node: Node } | undefined
}

export type Task = {
  /** Runs the task now, if it is this process's; settles when it has run. */
  run(): Promise<void>
  /** Runs it no more; settles when it does not run. */
  stop(): Promise<void>
}

export type Tasks = {
  /** Whether others may change what this process would have to know of to be on time: then it has to look. */
  readonly isShared: boolean
  /** Whether this process is to do the task now. Throws when the database does not answer. */
  holds(name: string): Promise<boolean>
  /** Runs a task at once and then every `everyMs`, on one process at a time. What it throws is logged. */
  runAlone(name: string, everyMs: number, run: () => Promise<void>): Task
}

export function createTasks({ clock, log, shared }: TaskDeps): Tasks {
  const holds = async (name: string) =>
    shared === undefined || (shared.node.isCurrent() && (await shared.nodes.holdTask(name, shared.node.id)))
  return {
    isShared: shared !== undefined,
    holds,
    runAlone(name, everyMs, run) {
      let timer: Cancel | undefined
      let running: Promise<void> | undefined
      let isStopped = false

      const turn = async () => {
        try {
          if (await holds(name)) await run()
        } catch (error) {
          // A store that is closed under us is the end, not a failure.
          if (!isStopped) log.error('a periodic task failed', { task: name, error })
        }
        running = undefined
        timer?.()
        timer = isStopped ? undefined : clock.after(everyMs, () => void runNow())
      }
      const runNow = async () => {
        if (!isStopped) await (running ??= turn())
      }

      void runNow()
      return {
        run: runNow,
        async stop() {
          isStopped = true
          timer?.()
          await running
        },
      }
    },
  }
}
