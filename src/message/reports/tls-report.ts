/** A TLS report (RFC 8460 §4): what the owner of a domain is told of a day's sessions with his mail servers. */

/** Sessions that are counted together. `failure` null: they were as they had to be. Empty texts: not known. */
export type TlsSessions = {
  readonly policy: {
    readonly type: string
    readonly domain: string
    readonly lines: readonly string[]
    readonly mxHosts: readonly string[]
  }
  readonly failure: null | {
    readonly type: string
    readonly reason: string
    readonly host: string
    readonly helo: string
    readonly ip: string
    readonly egressIp: string
  }
  readonly sessions: number
}

export type TlsReportOf = {
  /** Of the recipients, lower case. */
  readonly domain: string
  /** Since the epoch, in UTC. */
  readonly day: number
  /** The domain of whoever reports. */
  readonly submitter: string
  /** An address that people can write to. */
  readonly contact: string
  readonly sessions: readonly TlsSessions[]
}

/** As JSON has it, member by member (§4.4). */
export type TlsReport = {
  readonly 'organization-name': string
  readonly 'date-range': { readonly 'start-datetime': string; readonly 'end-datetime': string }
  readonly 'contact-info': string
  readonly 'report-id': string
  readonly policies: readonly object[]
}

const DAY_MS = 86_400_000

/** Builds the report. A report of the same domain and day always has the same id. */
export function buildTlsReport({ domain, day, submitter, contact, sessions }: TlsReportOf): TlsReport {
  const byPolicy = Map.groupBy(sessions, ({ policy }) => JSON.stringify(policy))
  return {
    'organization-name': submitter,
    'date-range': { 'start-datetime': second(day * DAY_MS), 'end-datetime': second((day + 1) * DAY_MS - 1000) },
    'contact-info': contact,
    'report-id': reportId({ domain, day, submitter }),
    policies: Array.from(byPolicy.values(), policyOf),
  }
}

type Named = Pick<TlsReportOf, 'domain' | 'day' | 'submitter'>

function reportId({ domain, day, submitter }: Named): string {
  return `${dayName(day)}.${domain}@${submitter}`
}

/** RFC 8460 §5.1, without its extension. */
export function reportFileName({ domain, day, submitter }: Named): string {
  const begin = (day * DAY_MS) / 1000
  return `${submitter}!${domain}!${begin}!${begin + DAY_MS / 1000 - 1}`
}

/** `2026-01-15` */
export function dayName(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** The day that a text like `2026-01-15` names; undefined: none. */
export function dayNamed(text: string): number | undefined {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return Number.isNaN(at) ? undefined : at / DAY_MS
}

/** RFC 3339, without fractions. */
function second(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

function policyOf(sessions: readonly TlsSessions[]): object {
  const [first] = sessions
  const failed = sessions.filter(({ failure }) => failure !== null)
  const sum = (some: readonly TlsSessions[]) => some.reduce((total, each) => total + each.sessions, 0)
  return {
    policy: first === undefined ? {} : describedPolicy(first.policy),
    summary: {
      'total-successful-session-count': sum(sessions) - sum(failed),
      'total-failure-session-count': sum(failed),
    },
    ...(failed.length === 0 ? {} : { 'failure-details': failed.map(detailsOf) }),
  }
}

function describedPolicy({ type, domain, lines, mxHosts }: TlsSessions['policy']): object {
  return {
    'policy-type': type,
    ...(lines.length === 0 ? {} : { 'policy-string': lines }),
    'policy-domain': domain,
    ...(mxHosts.length === 0 ? {} : { 'mx-host': mxHosts }),
  }
}

function detailsOf({ failure, sessions }: TlsSessions): object {
  if (failure === null) return {}
  const { type, egressIp, host, helo, ip, reason } = failure
  const details = {
    'result-type': type,
    'sending-mta-ip': egressIp,
    'receiving-mx-hostname': host,
    'receiving-mx-helo': helo,
    'receiving-ip': ip,
    'failed-session-count': sessions,
    'failure-reason-code': reason,
  }
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== ''))
}
