/** MTA-STS policies (RFC 8461): which hosts a domain's mail may go to, and that their certificates must be good. */
import { ExpiringMap } from '../platform/expiring.ts'
import type { Clock, Dns, HttpsGet } from '../platform/platform.ts'
import { hostAddresses, type HostDeps } from './hosts.ts'

export type StsPolicy = {
  readonly id: string
  readonly mode: 'enforce' | 'testing' | 'none'
  /** `mx.example.com`, `*.example.net`; lower case. */
  readonly mx: readonly string[]
  readonly maxAgeMs: number
  readonly lines: readonly string[]
}

/** Policies that outlive the process, and are there for others too. `fetchedAt`: milliseconds since the epoch. */
export type StsMemory = {
  /** Throws when nobody can say. */
  readonly find: (domain: string) => Promise<FetchedPolicy | undefined>
  /** Never throws. */
  readonly keep: (domain: string, fetched: FetchedPolicy) => Promise<void>
}

export type FetchedPolicy = { readonly policy: StsPolicy; readonly fetchedAt: number }

export type StsDeps = HostDeps & {
  readonly dns: Dns
  readonly httpsGet: HttpsGet
  readonly clock: Clock
  readonly port: number
  /** Authorities trusted instead of the usual ones, PEM. */
  readonly ca: readonly string[] | undefined
  /** undefined: what is learnt is gone with the process. */
  readonly memory?: StsMemory | undefined
}

/** `problem`: the policy that was announced could not be had; a policy of before may hold nonetheless. */
export type StsFinding = {
  readonly policy: StsPolicy | undefined
  readonly problem:
    | { readonly type: 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid'; readonly reason: string }
    | undefined
}

/** RFC 8461 §3.3 suggests 64 kB and a minute, and (§3.2) at most a year. */
const MAX_BYTES = 65_536
const FETCH_MS = 60_000
const MAX_AGE_S = 31_557_600
/** RFC 8461 §3.3: after a failure, not again at once. */
const RETRY_MS = 300_000
/** §10.2: policies are fetched again long before they end, or whoever blocks the fetch only has to wait. */
const REFRESH_MS = 86_400_000
const MAX_DOMAINS = 20_000
/** More than any domain has hosts. */
const MAX_PATTERNS = 100

/** What nobody remembered may be learnt by another process. */
const UNKNOWN_MS = 300_000
/** What a policy's text may take in the store: more than any policy of some use has. A host's name is shorter. */
const MAX_LINES = 150
const MAX_LINE = 300

/** Finds and remembers policies. */
export class StsPolicies {
  readonly #deps: StsDeps
  readonly #known: ExpiringMap<string, FetchedPolicy>
  readonly #failed: ExpiringMap<string, NonNullable<StsFinding['problem']>>
  /** Of which nothing is kept. */
  readonly #unknown: ExpiringMap<string, true>
  readonly #underWay = new Map<string, Promise<StsFinding>>()

  constructor(deps: StsDeps) {
    this.#deps = deps
    this.#known = new ExpiringMap(deps.clock, MAX_DOMAINS)
    this.#failed = new ExpiringMap(deps.clock, MAX_DOMAINS)
    this.#unknown = new ExpiringMap(deps.clock, MAX_DOMAINS)
  }

  /** The policy of a domain that mail is sent to. One that asks for nothing is none. */
  async find(domain: string): Promise<StsFinding> {
    const found = this.#underWay.get(domain) ?? this.#look(domain).finally(() => this.#underWay.delete(domain))
    this.#underWay.set(domain, found)
    return found
  }

  async #look(domain: string): Promise<StsFinding> {
    const known = this.#known.get(domain) ?? (await this.#remembered(domain))
    const answer = await this.#deps.dns.txt(`_mta-sts.${domain}`)
    const id = answer.kind === 'found' ? stsId(answer.records) : undefined
    // §3.1, §5.1: who takes the record away does not take the policy away before its time.
    if (id === undefined) return { policy: active(known), problem: undefined }
    if (this.#isCurrent(known, id)) return { policy: active(known), problem: undefined }
    const failed = this.#failed.get(`${id} ${domain}`)
    if (failed !== undefined) return { policy: active(known), problem: failed }
    // Another process may have fetched it meanwhile.
    const theirs = await this.#remembered(domain, true)
    if (this.#isCurrent(theirs, id)) return { policy: active(theirs), problem: undefined }
    const fetched = await this.#fetch(domain, id)
    if ('type' in fetched) {
      this.#failed.set(`${id} ${domain}`, fetched, RETRY_MS)
      return { policy: active(theirs ?? known), problem: fetched }
    }
    const fresh = { policy: fetched, fetchedAt: this.#deps.clock.now() }
    this.#known.set(domain, fresh, fetched.maxAgeMs)
    await this.#deps.memory?.keep(domain, fresh)
    return { policy: active(fresh), problem: undefined }
  }

  #isCurrent(known: FetchedPolicy | undefined, id: string): boolean {
    return known?.policy.id === id && this.#deps.clock.now() - known.fetchedAt < REFRESH_MS
  }

  /** What is kept of before. That there is nothing is not asked for each message. */
  async #remembered(domain: string, isAnew = false): Promise<FetchedPolicy | undefined> {
    const { memory, clock } = this.#deps
    if (memory === undefined || (!isAnew && this.#unknown.get(domain) === true)) return undefined
    const found = await memory.find(domain)
    const left = found === undefined ? 0 : found.fetchedAt + found.policy.maxAgeMs - clock.now()
    if (found === undefined || left <= 0) {
      this.#unknown.set(domain, true, UNKNOWN_MS)
      return undefined
    }
    this.#known.set(domain, found, left)
    return found
  }

  async #fetch(domain: string, id: string): Promise<StsPolicy | NonNullable<StsFinding['problem']>> {
    const host = `mta-sts.${domain}`
    const { clock, httpsGet, port, ca } = this.#deps
    const found = await hostAddresses(this.#deps, host)
    if (!('addresses' in found)) return { type: 'sts-policy-fetch-error', reason: found.reply.text }
    const giveUp = new AbortController()
    const cancel = clock.after(FETCH_MS, () => giveUp.abort())
    const address = found.addresses[0] ?? ''
    const question = { host, address, port, path: '/.well-known/mta-sts.txt', maxBytes: MAX_BYTES, ca }
    const reply = await httpsGet(question, giveUp.signal)
    cancel()
    if (typeof reply === 'string') {
      return {
        type: /CERT|SELF_SIGNED|ALTNAME/.test(reply) ? 'sts-webpki-invalid' : 'sts-policy-fetch-error',
        reason: reply,
      }
    }
    // §3.3: redirects must not be followed, and nothing but 200 is a policy.
    if (reply.status !== 200) return { type: 'sts-policy-fetch-error', reason: `HTTP ${reply.status}` }
    if (!/^text\/plain\b/i.test(reply.contentType)) return { type: 'sts-policy-invalid', reason: 'not text/plain' }
    return readPolicy(id, reply.body) ?? { type: 'sts-policy-invalid', reason: 'not a policy' }
  }
}

function active(known: FetchedPolicy | undefined): StsPolicy | undefined {
  return known === undefined || known.policy.mode === 'none' ? undefined : known.policy
}

/** The id in the TXT records of `_mta-sts` (§3.1); undefined: there is no policy, or more than one. */
export function stsId(records: readonly string[]): string | undefined {
  const policies = records.filter((record) => /^v=STSv1(?:;|$)/.test(record))
  if (policies.length !== 1) return undefined
  return /;\s*id=([A-Za-z0-9]{1,32})\s*(?:;|$)/.exec(policies[0] ?? '')?.[1]
}

/** A policy file (§3.2); undefined: it is none. Keys that nobody knows are passed over, of others the first counts. */
export function readPolicy(id: string, text: string): StsPolicy | undefined {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim().slice(0, MAX_LINE))
    .filter((line) => line !== '')
  if (lines.length > MAX_LINES || text.includes('\0')) return undefined
  const pairs = lines.map((line) => /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})\s*:\s*(.*)$/.exec(line)?.slice(1) ?? [])
  const first = (key: string) => pairs.find(([name]) => name === key)?.[1]
  const mode = first('mode')
  const maxAge = first('max_age') ?? ''
  const mx = pairs.flatMap(([name, value]) =>
    name === 'mx' && value !== undefined ? [value.toLowerCase().replace(/\.$/, '')] : [],
  )
  if (first('version') !== 'STSv1' || !/^[0-9]{1,10}$/.test(maxAge)) return undefined
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined
  if (mode !== 'none' && (mx.length === 0 || mx.length > MAX_PATTERNS)) return undefined
  return { id, mode, mx, maxAgeMs: Math.min(Number(maxAge), MAX_AGE_S) * 1000, lines }
}

/** Whether a host is one of the policy's (§4.1): a star stands for one label, the first. */
export function isInPolicy({ mx }: StsPolicy, host: string): boolean {
  const parent = host.slice(host.indexOf('.') + 1)
  return mx.some((pattern) =>
    pattern.startsWith('*.') ? host.includes('.') && parent === pattern.slice(2) : host === pattern,
  )
}
