/** A server under load, whatever it is. */
import type { ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { Lab } from '../lab.ts'
import { cpuSeconds } from '../proc.ts'

export type Target = { readonly host: string; readonly port: number }

export type Server = {
  /** Whose CPU counts: these and all that they started. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

/** The id of a process that was just started; throws when it could not be. */
export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error(`${child.spawnfile} does not start`)
  return child.pid
}

/** Reads what nobody wants to see, so that the pipe never fills; gives the last of it, for a message that says why. */
export function lastWords(child: ChildProcess): () => string {
  let said = ''
  const note = (chunk: Buffer): void => {
    said = (said + chunk.toString('utf8')).slice(-2000)
  }
  child.stdout?.on('data', note)
  child.stderr?.on('data', note)
  return () => said
}

/** Settles when something answers on a port: `greets` waits for its first octets as well. */
export async function answering(lab: Lab, name: string, target: Target, greets: boolean): Promise<void> {
  await lab.until(`${name} on port ${target.port}`, 20_000, async () => {
    const socket = connect(target.port, target.host)
    try {
      await once(socket, greets ? 'data' : 'connect', { signal: AbortSignal.timeout(2_000) })
      return true
    } catch {
      return undefined
    } finally {
      socket.destroy()
    }
  })
}

const QUIET_STEP_MS = 200
/** Of one core. */
const QUIET_SHARE = 0.05
const QUIET_LIMIT_MS = 30_000

/** Waits until processes have nothing left to do (mail to deliver, files to move); gives whether that came to pass. */
export async function quiet(lab: Lab, pids: readonly number[], limitMs = QUIET_LIMIT_MS): Promise<boolean> {
  const end = performance.now() + limitMs
  for (let before = cpuSeconds(pids); performance.now() < end;) {
    await lab.sleep(QUIET_STEP_MS)
    const now = cpuSeconds(pids)
    if ((now - before) * 1000 < QUIET_SHARE * QUIET_STEP_MS) return true
    before = now
  }
  return false
}
