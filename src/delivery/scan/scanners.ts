/** The content scanners that are configured, asked one after another, in bounded numbers and time. */
import type { Scan, Scannable, ScanVerdict } from '../../message/scan.ts'
import type { Clock, Dial, HttpPost, Log } from '../../platform/platform.ts'
import { askClamd, type ClamdTarget } from './clamd.ts'
import { askRspamd } from './rspamd.ts'

export type ScanDeps = {
  readonly dial: Dial
  readonly httpPost: HttpPost
  /** Real time. */
  readonly clock: Clock
  readonly log: Log
  readonly clamav: ClamdTarget | undefined
  /** rspamd's URL. */
  readonly rspamd: string | undefined
  /** Of each scanner. */
  readonly timeoutMs: number
}

/** clamd has 10 threads unless told otherwise; what is more waits here, where it costs nothing, and is not yet loaded. */
const AT_ONCE = 10

type Scanner = {
  readonly name: string
  readonly ask: (mail: Scannable, signal: AbortSignal) => Promise<ScanVerdict>
  isAway: boolean
}

export function createScan(deps: ScanDeps): Scan {
  const scanners = scannersOf(deps)
  const room = createRoom(AT_ONCE)
  return (load) =>
    room(async () => {
      let worst: ScanVerdict = { kind: 'clean', said: '' }
      const mail = await load()
      if (mail === undefined) return worst
      for (const scanner of scanners) {
        const verdict = await withinTime(deps, scanner, mail)
        notice(deps.log, scanner, verdict)
        if (verdict.kind === 'bad') return verdict
        if (worst.kind !== 'away') worst = verdict
      }
      return worst
    })
}

function scannersOf({ dial, httpPost, clamav, rspamd }: ScanDeps): readonly Scanner[] {
  const scanners: Scanner[] = []
  if (clamav !== undefined) {
    scanners.push({ name: 'clamd', ask: (mail, signal) => askClamd(dial, clamav, mail, signal), isAway: false })
  }
  if (rspamd !== undefined) {
    scanners.push({ name: 'rspamd', ask: (mail, signal) => askRspamd(httpPost, rspamd, mail, signal), isAway: false })
  }
  return scanners
}

async function withinTime({ clock, timeoutMs }: ScanDeps, { ask }: Scanner, mail: Scannable): Promise<ScanVerdict> {
  const giveUp = new AbortController()
  const cancel = clock.after(timeoutMs, () => giveUp.abort())
  try {
    return await ask(mail, giveUp.signal)
  } finally {
    cancel()
  }
}

/** Said once when it goes and once when it is back, not with each message. */
function notice(log: Log, scanner: Scanner, { kind, said }: ScanVerdict): void {
  const isAway = kind === 'away'
  if (isAway === scanner.isAway) return
  scanner.isAway = isAway
  if (isAway) log.warn('a content scanner gives no answer', { scanner: scanner.name, said })
  else log.info('a content scanner answers again', { scanner: scanner.name })
}

/** Lets so many in at once, the others in their order. */
function createRoom(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let inside = 0
  return async (task) => {
    if (inside >= most) await new Promise<void>((resolve) => void waiting.push(resolve))
    else inside++
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      // Whoever is next takes the place that is given up.
      if (next === undefined) inside--
      else next()
    }
  }
}
