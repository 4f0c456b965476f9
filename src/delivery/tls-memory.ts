/** What is remembered of hosts' TLS: where it is broken, and sessions to take up again. */
import { ExpiringMap } from '../platform/expiring.ts'
import type { Clock } from '../platform/platform.ts'

/** Long enough to spare a busy destination the failing handshakes, short enough to notice a repair. */
const BROKEN_FOR_MS = 3_600_000
/** RFC 8446 §4.6.1 lets tickets live for seven days; ours are kept for the next retries. */
const SESSION_FOR_MS = 7_200_000
const MOST = 10_000

type Host = { readonly host: string; readonly address: string; readonly port: number }

export class TlsMemory {
  readonly #broken: ExpiringMap<string, true>
  readonly #sessions: ExpiringMap<string, Buffer>

  constructor(clock: Clock, most = MOST) {
    this.#broken = new ExpiringMap(clock, most)
    this.#sessions = new ExpiringMap(clock, most)
  }

  isBroken(host: Host): boolean {
    return this.#broken.get(keyOf(host)) === true
  }

  remember(host: Host): void {
    this.#broken.set(keyOf(host), true, BROKEN_FOR_MS)
  }

  session(host: Host): Buffer | undefined {
    return this.#sessions.get(keyOf(host))
  }

  keep(host: Host, session: Buffer): void {
    this.#sessions.set(keyOf(host), session, SESSION_FOR_MS)
  }

  forget(host: Host): void {
    this.#sessions.delete(keyOf(host))
  }
}

function keyOf({ host, address, port }: Host): string {
  return `${host} ${address} ${port}`
}
