/** When the records of identities are looked for: a timer for the next one that is due, and a look at each that is. */
import type { Cancel } from '../../platform/platform.ts'
import type { Identity, Scope } from '../../store/types.ts'
import { once } from '../../platform/once.ts'
import type { Services } from '../context.ts'
import { onWake } from './wake.ts'

/** Identities looked at at once; each has up to five questions to DNS. */
const AT_ONCE = 16
/** After a failure of our own. */
const RETRY_MS = 60_000
/** Where other processes change identities too: how often to look, or to take over from one that has gone. */
const LOOK_MS = 3_000
/** The task's name, of which one process does the checks. */
const TASK = 'identity checks'

export type IdentityChecks = {
  stop(): void
  /** Looks at everything that is due; settles when nothing is. */
  runDue(): Promise<void>
}

/** Looks at due identities from now on, until stopped, while it is this process's task. A jump of the clock makes its timers fire, and so is noticed. */
export function startIdentityChecks(services: Services): IdentityChecks {
  const { clock, store, log, tasks } = services
  let timer: Cancel | undefined
  let running: Promise<void> | undefined
  let isWoken = false
  let isStopped = false

  const arm = (ms: number) => {
    timer?.()
    timer = isStopped ? undefined : clock.after(ms, wake)
  }

  const lookAndArm = async () => {
    try {
      if (!(await tasks.holds(TASK))) {
        arm(LOOK_MS)
        return
      }
      await lookAtDue(services, () => isStopped)
      const next = isStopped ? undefined : await store.identities.nextDue()
      const ms = next === undefined ? Infinity : next - clock.now()
      if (ms <= 0) isWoken = true
      else if (tasks.isShared) arm(Math.min(ms, LOOK_MS))
      else if (ms < Infinity) arm(ms)
    } catch (error) {
      // A store that is closed under us is the end, not a failure.
      if (isStopped) return
      log.error('the checks of identities failed', { error })
      arm(RETRY_MS)
    }
  }

  const run = async () => {
    while (isWoken) {
      isWoken = false
      await lookAndArm()
    }
    running = undefined
  }

  const runDue = async (): Promise<void> => {
    if (isStopped) return
    isWoken = true
    await (running ??= run())
  }

  function wake(): void {
    void runDue()
  }

  onWake(services, wake)
  wake()
  return {
    runDue,
    stop() {
      isStopped = true
      timer?.()
    },
  }
}

/** What looks at an identity also tells its owner, by mail: most of the program, loaded when the first is due. */
const looking = once(async () => ({ ...(await import('./identity.ts')), ...(await import('./look.ts')) }))

async function lookAtDue(services: Services, isStopped: () => boolean): Promise<void> {
  const { store, clock } = services
  while (!isStopped()) {
    const due = await store.identities.due(clock.now(), AT_ONCE)
    if (due.length === 0) return
    await Promise.all(due.map(({ scope, identity }) => tryToLookAt(services, scope, identity, isStopped)))
  }
}

/** One identity that cannot be looked at must not keep the others waiting: its turn comes again later. */
async function tryToLookAt(services: Services, scope: Scope, identity: Identity, isStopped: () => boolean) {
  const { clock, log } = services
  const { changeIdentity, lookAt } = await looking()
  try {
    await lookAt(services, scope, identity)
  } catch (error) {
    if (isStopped()) return
    log.error('an identity could not be looked at', { identity: identity.name, error })
    await changeIdentity(services, scope, identity.name, () => ({ nextCheckAt: clock.now() + RETRY_MS }))
  }
}
