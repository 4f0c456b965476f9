/** Counts how connections to others went as to TLS (RFC 8460): in memory, and every few seconds in the store. */
import type { NetworkOutcome, TlsResult } from '../../message/outcome.ts'
import type { Cancel, Platform } from '../../platform/platform.ts'
import type { Store } from '../../store/store.ts'
import type { TlsCount } from '../../store/tls-results.ts'
import type { Message } from '../../store/types.ts'

/** The operation of mail that is a TLS report. */
export const TLS_REPORT = 'TlsReport'

/** Of such mail nothing is reported, or two servers with bad TLS would write to each other for ever. */
export function isTlsReport({ surface, operation }: Pick<Message, 'surface' | 'operation'>): boolean {
  return surface === 'system' && operation === TLS_REPORT
}

const DAY_MS = 86_400_000
const FLUSH_MS = 10_000
/** What is not yet written; each takes some 500 octets, and 6,000 at most. */
const MOST_WAITING = 5_000
const AT_ONCE = 100

// What comes from the other side is cut: to what a reader needs, and to ASCII that can be printed.
const MOST_LINES_OCTETS = 2_048
const MOST_NAME = 255
const MOST_REASON = 300

export type TlsCounts = {
  /** Counts what came of an attempt for recipients at `destination`. */
  note(destination: string, outcome: NetworkOutcome): void
  /** Writes what is counted so far; what cannot be written stays for the next time. */
  flush(): Promise<void>
  /** Writes it a last time. */
  close(): Promise<void>
}

type Deps = Pick<Platform, 'clock' | 'wallClock' | 'log'> & { readonly store: Pick<Store, 'tlsResults'> }

/** Days are those of SES's time; writing goes by real time. */
export function createTlsCounts({ clock, wallClock, log, store }: Deps): TlsCounts {
  const waiting = new Map<string, TlsCount>()
  let lost = 0
  let timer: Cancel | undefined
  let writing: Promise<void> | undefined

  function count(one: TlsCount): void {
    const key = JSON.stringify([one.day, one.domain, one.policy, one.failure])
    const before = waiting.get(key)
    if (before === undefined && waiting.size >= MOST_WAITING) lost += one.sessions
    else waiting.set(key, { ...one, sessions: one.sessions + (before?.sessions ?? 0) })
  }

  async function write(): Promise<void> {
    const counts = [...waiting.values()]
    waiting.clear()
    for (let at = 0; at < counts.length; at += AT_ONCE) {
      try {
        lost += await store.tlsResults.add(counts.slice(at, at + AT_ONCE))
      } catch (error) {
        log.warn('results of TLS could not be written', { error })
        for (const each of counts.slice(at)) count(each)
        break
      }
    }
    if (lost > 0) log.warn('sessions were left out of the TLS reports: there are too many different ones', { lost })
    lost = 0
  }

  async function flush(): Promise<void> {
    timer?.()
    timer = undefined
    await writing
    // Whoever waited with us may have begun already.
    if (waiting.size > 0 || lost > 0) writing ??= write().finally(() => (writing = undefined))
    await writing
    if (waiting.size > 0) arm()
  }

  function arm(): void {
    timer ??= wallClock.after(FLUSH_MS, () => void flush())
  }

  return {
    note(destination, outcome) {
      const day = Math.floor(clock.now() / DAY_MS)
      for (const result of sessionsOf(outcome)) {
        const domain = domainOf(destination, outcome, result)
        if (domain === undefined) continue
        count({ day, domain, ...detailsOf(result), sessions: 1 })
        arm()
      }
    },
    flush,
    async close() {
      await flush()
      timer?.()
    },
  }
}

/** Over a connection of before there was no session to count, so that no policy failed it either. */
function sessionsOf({ tlsResults, connections }: NetworkOutcome): readonly TlsResult[] {
  return connections.reused === 0 ? tlsResults : tlsResults.filter(({ remote }) => remote !== null)
}

/** RFC 8460 §3, "Policy Domain": of mail that goes to a smarthost, the smarthost is meant. */
function domainOf(destination: string, { transport }: NetworkOutcome, { policy }: TlsResult): string | undefined {
  const domain = (transport === 'smarthost' ? policy.domain : destination).toLowerCase()
  // An address literal has nobody who could be told.
  return domain.length <= 253 && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/.test(domain) && /[a-z]/.test(domain)
    ? domain
    : undefined
}

function detailsOf({ policy, failure, remote }: TlsResult): Pick<TlsCount, 'policy' | 'failure'> {
  const { host = '', helo = '', ip = '', egressIp = '' } = remote ?? {}
  return {
    policy: {
      type: policy.type,
      domain: printable(policy.domain, MOST_NAME),
      lines: fitting(policy.lines),
      mxHosts: fitting(policy.mxHosts),
    },
    // Of what went well nobody is told where.
    failure: failure && {
      type: failure.type,
      reason: printable(failure.reason, MOST_REASON),
      host: printable(host, MOST_NAME),
      helo: printable(helo, MOST_NAME),
      ip,
      egressIp,
    },
  }
}

function printable(text: string, most: number): string {
  return text.slice(0, most).replace(/[^ -~]/g, '?')
}

function fitting(lines: readonly string[]): readonly string[] {
  const kept: string[] = []
  let octets = 0
  for (const line of lines) {
    octets += line.length
    if (octets > MOST_LINES_OCTETS) break
    kept.push(printable(line, line.length))
  }
  return kept
}
