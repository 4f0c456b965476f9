/** Settings of TLS, on connections of ours and of others, and of reports about it. */
import type { Setting, Settings } from './schema.ts'
import * as kinds from './values.ts'

/** RFC 8996 took the older ones out of use. */
const TODAYS = ['TLSv1.2', 'TLSv1.3'] as const
const ALL = ['TLSv1', 'TLSv1.1', ...TODAYS] as const

function everywhere<T>(value: T): Setting<T>['defaults'] {
  return { local: value, strict: value, production: value }
}

export const TLS_SETTINGS = {
  tlsMinVersion: {
    name: 'tls-min-version',
    kind: kinds.choice(TODAYS),
    defaults: everywhere('TLSv1.2'),
    doc: 'The oldest TLS that clients may use, for HTTPS and submission. Other mail servers may use TLS 1.2 in any case: without it they would bring mail in the clear.',
    group: 'listeners',
  },
  outboundTlsMinVersion: {
    name: 'outbound-tls-min-version',
    kind: kinds.choice(ALL),
    defaults: everywhere('TLSv1.2'),
    doc: 'The oldest TLS in which mail goes to other servers where it must go in TLS: by `TlsPolicy` Require, MTA-STS, DANE, or the settings of a smarthost.',
    group: 'delivery',
  },
  opportunisticTlsMinVersion: {
    name: 'opportunistic-tls-min-version',
    kind: kinds.choice(ALL),
    defaults: everywhere('TLSv1'),
    doc: 'The oldest TLS where mail may also go in the clear, and does when this is not to be had. Below TLSv1.2 it takes weak keys and signatures too: all of it is better than nothing.',
    group: 'delivery',
  },
  tlsReports: {
    name: 'tls-reports',
    kind: kinds.flag,
    defaults: everywhere(false),
    doc: 'Send daily reports of how TLS went to domains that ask for them (TLS-RPT, RFC 8460). What they are made of is kept either way ([operator.md](operator.md)).',
    group: 'delivery',
  },
  retentionTlsDays: {
    name: 'retention-tls-days',
    kind: kinds.whole('DAYS', 0, 36_500),
    defaults: everywhere(14),
    doc: 'What TLS to other domains came to, of which TLS reports are made, is kept so many days besides today (UTC).',
    group: 'retention',
  },
} as const satisfies {
  readonly [
    K in 'tlsMinVersion' | 'outboundTlsMinVersion' | 'opportunisticTlsMinVersion' | 'tlsReports' | 'retentionTlsDays'
  ]: Setting<Settings[K]>
}
