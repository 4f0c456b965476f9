/**
 * Every setting, once: its name, kind, defaults and meaning. The flag is `--name`, the variable `SESAME_NAME` (upper case,
 * `_` for `-`), the key in the file `name`. `load.ts` reads them, `describe.ts` makes the help and docs/configuration.md.
 */
import type { Config, Limits, Profile } from './config.ts'
import { egress } from './egress.ts'
import { smarthost } from './smarthost.ts'
import { TLS_SETTINGS } from './tls-settings.ts'
import * as kinds from './values.ts'
import type { Kind } from './values.ts'

/** The settings in one level: the config with its limits beside the rest. What is made of other settings may be missing. */
export type Settings = Omit<Config, 'limits' | 'limitsBySite' | 'mailDomain' | 'dkimRotationDays'> & {
  readonly mailDomain: string | undefined
  readonly dkimRotationDays: number | undefined
} & Limits
export type SettingKey = keyof Settings

export type Setting<T> = {
  readonly name: string
  readonly kind: Kind<T>
  readonly defaults: Readonly<Record<Profile, T>>
  readonly doc: string
  readonly group: 'basics' | 'listeners' | 'delivery' | 'behaviour' | 'retention' | 'limits'
  /** Never printed, not even in an error. */
  readonly secret?: boolean
}

/** The default as the docs tell it, where it is made of other settings. */
export const DERIVED: Readonly<Partial<Record<SettingKey, string>>> = {
  database: '`sqlite:sesame.db`, in the data directory',
  publicUrl: 'the HTTP address that is bound',
  mailDomain: 'the host name',
  dns: "the system's resolvers",
  signingThreads: 'one for each core',
  dkimRotationDays: '`180` with `--dns-zone`, else `0`',
  adminToken: 'made on first start, in the file `admin-token` of the data directory',
}

const PROFILES = ['local', 'strict', 'production'] as const
const ROLES = ['api', 'smtp', 'inbound', 'delivery', 'events'] as const
const TRANSPORTS = ['capture', 'direct', 'smarthost'] as const
const MB = 1024 * 1024
const GB = 1024 * MB

function everywhere<T>(value: T): Readonly<Record<Profile, T>> {
  return { local: value, strict: value, production: value }
}

function limit(name: string, most: number, value: number, doc: string): Setting<number> {
  const kind = kinds.whole('NUMBER', 1, most)
  return { name: `limit-${name}`, kind, defaults: everywhere(value), doc, group: 'limits' }
}

export const SETTINGS: { readonly [K in SettingKey]: Setting<Settings[K]> } = {
  profile: {
    name: 'profile',
    kind: kinds.choice(PROFILES),
    defaults: { local: 'local', strict: 'local', production: 'local' },
    doc: "Which defaults apply: `local` is a developer's SES, `strict` is AWS as a new account sees it, `production` is for real mail.",
    group: 'basics',
  },
  dataDir: {
    name: 'data-dir',
    kind: kinds.printable('DIR'),
    defaults: everywhere('./.sesame'),
    doc: 'Where everything is kept. Made when it is missing; one server at a time.',
    group: 'basics',
  },
  database: {
    name: 'database',
    kind: kinds.database,
    defaults: everywhere('sqlite:sesame.db'),
    doc: '`sqlite:FILE` (in the data directory unless the path is absolute) or a `postgres://…` URL.',
    group: 'basics',
  },
  accountId: {
    name: 'account-id',
    kind: kinds.accountId,
    defaults: everywhere('000000000000'),
    doc: 'The default account.',
    group: 'basics',
  },
  hostname: {
    name: 'hostname',
    kind: kinds.hostname,
    defaults: everywhere('localhost'),
    doc: 'Our name in EHLO, in links, in Message-IDs and in the DNS records that users publish.',
    group: 'basics',
  },
  publicUrl: {
    name: 'public-url',
    kind: kinds.optional(kinds.url),
    defaults: everywhere<string | undefined>(undefined),
    doc: 'What links in mail start with, when clients reach us by another address than the one bound (a proxy, a container).',
    group: 'basics',
  },
  mailDomain: {
    name: 'mail-domain',
    kind: kinds.optional(kinds.hostname),
    defaults: { local: 'amazonses.com', strict: 'amazonses.com', production: undefined },
    doc: "The domain of Message-ID headers and default return paths: SES's own where tests look at it, ours where mail leaves.",
    group: 'basics',
  },
  roles: {
    name: 'roles',
    kind: kinds.subset(ROLES),
    defaults: everywhere<ReadonlySet<(typeof ROLES)[number]>>(new Set(ROLES)),
    doc: 'What this process does.',
    group: 'basics',
  },
  logLevel: {
    name: 'log-level',
    kind: kinds.choice(['debug', 'info', 'warn', 'error']),
    defaults: { local: 'warn', strict: 'warn', production: 'info' },
    doc: 'The least grave entries that are logged (to stderr).',
    group: 'basics',
  },

  host: {
    name: 'host',
    kind: kinds.host,
    defaults: everywhere('127.0.0.1'),
    doc: 'The address that every listener binds.',
    group: 'listeners',
  },
  httpPort: {
    name: 'http-port',
    kind: kinds.port,
    defaults: everywhere(8005),
    doc: 'SES v1 and v2, admin API, public pages. `0`: any free port, as for the other listeners.',
    group: 'listeners',
  },
  smtpPort: {
    name: 'smtp-port',
    kind: kinds.port,
    defaults: everywhere(2587),
    doc: 'Submission with STARTTLS.',
    group: 'listeners',
  },
  smtpsPort: {
    name: 'smtps-port',
    kind: kinds.port,
    defaults: everywhere(2465),
    doc: 'Submission with TLS from the start.',
    group: 'listeners',
  },
  inboundPort: {
    name: 'inbound-port',
    kind: kinds.port,
    defaults: everywhere(2525),
    doc: 'Mail from other servers (MX).',
    group: 'listeners',
  },
  tlsCert: {
    name: 'tls-cert',
    kind: kinds.optional(kinds.printable('FILE')),
    defaults: everywhere<string | undefined>(undefined),
    doc: 'PEM certificate chain for HTTPS, STARTTLS and TLS; read again when it changes. Without it HTTP is plain and SMTP gets a certificate made on first start.',
    group: 'listeners',
  },
  tlsKey: {
    name: 'tls-key',
    kind: kinds.optional(kinds.printable('FILE')),
    defaults: everywhere<string | undefined>(undefined),
    doc: 'PEM private key of that certificate.',
    group: 'listeners',
  },
  corsOrigins: {
    name: 'cors-origins',
    kind: kinds.origins,
    defaults: everywhere<readonly string[]>(Object.freeze([])),
    doc: 'Web origins whose pages may call the AWS APIs; none unless given.',
    group: 'listeners',
  },

  transport: {
    name: 'transport',
    kind: kinds.choice(TRANSPORTS),
    defaults: { local: 'capture', strict: 'capture', production: 'direct' },
    doc: '`capture` keeps mail here, to be read over the admin API; `direct` delivers to the MX of each recipient; `smarthost` hands everything to one server.',
    group: 'delivery',
  },
  smarthost: {
    name: 'smarthost',
    kind: kinds.optional(smarthost),
    defaults: everywhere<Config['smarthost']>(undefined),
    doc: 'The server of the transport `smarthost`: `smtp://[USER:PASSWORD@]HOST[:PORT]` (587; STARTTLS if it is offered, and always with a password) or `smtps://…` (465). `?tls=` makes it stricter or milder: `starttls`, `starttls-unverified`, `tls-unverified`, `none`.',
    group: 'delivery',
    secret: true,
  },
  egress: {
    name: 'egress',
    kind: egress,
    defaults: everywhere<Config['egress']>(Object.freeze([])),
    doc: 'Addresses of this machine that mail leaves from, with the name of each in EHLO and the pool that it belongs to (`ses-shared-pool` unless given). A name may have one address of each family. A configuration set chooses a pool by its `SendingPoolName`. With the day of its first mail behind it (`+2026-01-31`) an address is warmed up ([queue.md](queue.md)).',
    group: 'delivery',
  },
  clamav: {
    name: 'clamav',
    kind: kinds.optional(kinds.clamav),
    defaults: everywhere<Config['clamav']>(undefined),
    doc: "ClamAV's daemon, which looks at all mail before it is delivered: what is infected is rejected, as SES does. Its `StreamMaxLength` must not be smaller than our messages.",
    group: 'delivery',
  },
  rspamd: {
    name: 'rspamd',
    kind: kinds.optional(kinds.url),
    defaults: everywhere<string | undefined>(undefined),
    doc: "rspamd's worker (`http://127.0.0.1:11333`), likewise: mail for which its action is `reject` is rejected.",
    group: 'delivery',
  },
  scanUnavailable: {
    name: 'scan-unavailable',
    kind: kinds.choice(['defer', 'deliver']),
    defaults: everywhere<Config['scanUnavailable']>('defer'),
    doc: 'What becomes of mail while one of them gives no answer: it waits and is tried again, as with a host that is away (`defer`), or goes out unseen (`deliver`).',
    group: 'delivery',
  },
  dns: {
    name: 'dns',
    kind: kinds.optional(kinds.server),
    defaults: everywhere<string | undefined>(undefined),
    doc: 'The DNS server to ask, by IP address.',
    group: 'delivery',
  },
  publicAddresses: {
    name: 'public-addresses',
    kind: kinds.addresses,
    defaults: everywhere<readonly string[]>(Object.freeze([])),
    doc: 'The IP addresses that mail leaves from and others call this server at: for `sesame dns`, `sesame doctor` and `--dns-zone`. Unless given, the public ones of this machine.',
    group: 'delivery',
  },
  dnsZone: {
    name: 'dns-zone',
    kind: kinds.optional(kinds.hostname),
    defaults: everywhere<string | undefined>(undefined),
    doc: 'A DNS zone that is delegated to this server, and used for nothing else: the host name is in it. The server answers for it, with the keys of Easy DKIM.',
    group: 'delivery',
  },
  dnsPort: {
    name: 'dns-port',
    kind: kinds.whole('PORT', 1, 65_535),
    defaults: everywhere(53),
    doc: 'Where it does so, by UDP and TCP.',
    group: 'delivery',
  },
  dkimEd25519: {
    name: 'dkim-ed25519',
    kind: kinds.flag,
    defaults: everywhere(false),
    doc: 'Sign with Ed25519 too, behind RSA ([dns.md](dns.md)).',
    group: 'delivery',
  },
  dkimRotationDays: {
    name: 'dkim-rotation-days',
    kind: kinds.optional(kinds.whole('DAYS', 0, 3650)),
    defaults: everywhere<number | undefined>(undefined),
    doc: 'The age at which DKIM keys that are made here are replaced; `0`: only when `sesame dkim rotate` asks for it.',
    group: 'delivery',
  },
  signingThreads: {
    name: 'signing-threads',
    kind: kinds.optional(kinds.whole('NUMBER', 0, 256)),
    defaults: everywhere<number | undefined>(undefined),
    doc: 'Threads that sign, at a low priority, when there is much to sign: accepting mail goes first. `0`, and where the system has no priorities of threads: those of Node, at the same priority as the rest.',
    group: 'delivery',
  },
  mxPort: {
    name: 'mx-port',
    kind: kinds.whole('PORT', 1, 65_535),
    defaults: everywhere(25),
    doc: 'The port on which the mail servers of recipients are called.',
    group: 'delivery',
  },
  allowPrivateDestinations: {
    name: 'allow-private-destinations',
    kind: kinds.flag,
    defaults: everywhere(false),
    doc: 'Deliver to loopback and private addresses too: for tests.',
    group: 'delivery',
  },

  shaping: {
    name: 'shaping',
    kind: kinds.optional(kinds.printable('FILE')),
    defaults: everywhere<string | undefined>(undefined),
    doc: 'How much mail goes to which provider or domain at a time ([queue.md](queue.md)); without it, 20 connections to each.',
    group: 'delivery',
  },

  anyCredentials: {
    name: 'any-credentials',
    kind: kinds.flag,
    defaults: everywhere(false),
    doc: 'Take every access key, with any secret, as one of the default account, in any region.',
    group: 'behaviour',
  },
  anyIdentity: {
    name: 'any-identity',
    kind: kinds.flag,
    defaults: everywhere(false),
    doc: 'Take mail from and to addresses that nobody verified, for suites written for stand-ins that do not look.',
    group: 'behaviour',
  },
  autoVerify: {
    name: 'auto-verify',
    kind: kinds.flag,
    defaults: { local: true, strict: false, production: false },
    doc: 'Identities are verified the moment they are created.',
    group: 'behaviour',
  },
  productionAccess: {
    name: 'production-access',
    kind: kinds.flag,
    defaults: { local: true, strict: false, production: false },
    doc: 'Accounts start out of the sandbox.',
    group: 'behaviour',
  },
  max24HourSend: {
    name: 'max-24-hour-send',
    kind: kinds.whole('NUMBER', -1, 1_000_000_000),
    defaults: { local: -1, strict: 200, production: 200 },
    doc: 'Recipients in 24 hours that an account starts with, in each region; `-1`: unlimited.',
    group: 'behaviour',
  },
  maxSendRate: {
    name: 'max-send-rate',
    kind: kinds.rate,
    defaults: { local: 1000, strict: 1, production: 1 },
    doc: 'Recipients a second that an account starts with, in each region.',
    group: 'behaviour',
  },
  requireTls: {
    name: 'require-tls',
    kind: kinds.flag,
    defaults: { local: false, strict: true, production: true },
    doc: 'SMTP takes AUTH only inside TLS.',
    group: 'behaviour',
  },
  controls: {
    name: 'controls',
    kind: kinds.flag,
    defaults: { local: true, strict: true, production: false },
    doc: 'Clock, faults, outcomes, reset, the routes of other stand-ins, and an admin API that is open on loopback.',
    group: 'behaviour',
  },
  adminToken: {
    name: 'admin-token',
    kind: kinds.optional(kinds.token),
    defaults: everywhere<string | undefined>(undefined),
    doc: 'Bearer token of the admin API. Better in the environment or the file: others on the machine can read flags.',
    group: 'behaviour',
    secret: true,
  },

  retentionDays: {
    name: 'retention-days',
    kind: kinds.whole('DAYS', 0, 36_500),
    defaults: everywhere(30),
    doc: 'Mail and its events are removed when they are older. On PostgreSQL with their whole day (UTC), so up to a day later.',
    group: 'retention',
  },
  retentionMessages: {
    name: 'retention-messages',
    kind: kinds.whole('NUMBER', 0, 1_000_000_000_000),
    defaults: { local: 200_000, strict: 200_000, production: 10_000_000 },
    doc: 'So many messages are kept; the oldest go first.',
    group: 'retention',
  },
  retentionBytes: {
    name: 'retention-bytes',
    kind: kinds.whole('OCTETS', 0, 1_000_000 * GB),
    defaults: { local: 2 * GB, strict: 2 * GB, production: 50 * GB },
    doc: 'So many octets of bodies are kept, as they are stored (compressed where that pays). What is known of a message beside its body takes some 5 kB more.',
    group: 'retention',
  },

  v1MessageBytes: limit('v1-message-bytes', 1024 * MB, 10 * MB, 'Octets of a message over SES v1, as it is sent.'),
  messageBytes: limit('message-bytes', 1024 * MB, 40 * MB, 'Octets of a message over SES v2 and SMTP, as it is sent.'),
  recipients: limit('recipients', 100_000, 50, 'Recipients of one message.'),
  httpHeadersTimeoutMs: limit('http-headers-timeout-ms', 3_600_000, 15_000, 'Time to send the head of a request.'),
  httpRequestTimeoutMs: limit('http-request-timeout-ms', 3_600_000, 120_000, 'Time to send a whole request.'),
  // Longer than a call of the admin API may wait for mail (300 s).
  httpIdleTimeoutMs: limit(
    'http-idle-timeout-ms',
    3_600_000,
    360_000,
    'Silence after which an HTTP connection is ended: nobody sends, and nobody reads what was sent.',
  ),
  smtpConnections: limit('smtp-connections', 100_000, 500, 'SMTP connections open at once, for each listener.'),
  // SES closes an idle connection after some 10 s; clients that pool (nodemailer) hold one longer, so we are milder.
  smtpIdleTimeoutMs: limit(
    'smtp-idle-timeout-ms',
    3_600_000,
    60_000,
    'Silence after which an SMTP client is sent away.',
  ),
  smtpSessionTimeoutMs: limit('smtp-session-timeout-ms', 86_400_000, 1_800_000, 'Length of an SMTP session.'),
  smtpErrors: limit('smtp-errors', 10_000, 20, 'Bad commands after which an SMTP session is ended.'),
  acceptancesUnderWay: limit(
    'acceptances-under-way',
    100_000,
    1000,
    'Messages being accepted at once; beyond it calls are answered 503 and 451.',
  ),
  scanBytes: limit(
    'scan-bytes',
    1024 * MB,
    50 * MB,
    'Octets of a message that ClamAV and rspamd are shown; a longer one goes on unseen.',
  ),
  scanTimeoutMs: limit('scan-timeout-ms', 3_600_000, 60_000, 'Time that each of them has for a message.'),

  ...TLS_SETTINGS,
}

export function variableOf(name: string): string {
  return `SESAME_${name.replaceAll('-', '_').toUpperCase()}`
}
