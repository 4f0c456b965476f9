/** What the operator has decided, frozen at start. `schema.ts` has every key with its default; docs/configuration.md is made from it. */

import type { EgressAddress, Smarthost } from '../platform/egress.ts'
import type { Shaping } from './shaping.ts'

export type Profile = 'local' | 'strict' | 'production'
export type Role = 'api' | 'smtp' | 'inbound' | 'delivery' | 'events'
/** The oldest version of TLS that is spoken. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
export type Transport = 'capture' | 'direct' | 'smarthost'

/** `address`: an IP address or a name, or the path of a Unix socket (then without a port: 0). */
export type Clamav = { readonly address: string; readonly port: number }

export type Config = {
  readonly profile: Profile
  readonly dataDir: string
  /** `sqlite:` and a path in the data directory, or a `postgres://` URL. */
  readonly database: string
  readonly host: string
  readonly httpPort: number
  readonly smtpPort: number
  readonly smtpsPort: number
  readonly inboundPort: number
  /** Our name in EHLO, links and records. */
  readonly hostname: string
  /** Where the links in mail point to, without a final slash; made of host and port where it is not set. */
  readonly publicUrl: string | undefined
  /**
   * The domain of Message-ID headers and default return paths: SES's own `amazonses.com` in local and strict, so that
   * tests see what AWS writes; the host name in production, where a foreign domain would be a lie.
   */
  readonly mailDomain: string
  /** The default account. */
  readonly accountId: string
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  /** With clients. */
  readonly tlsMinVersion: 'TLSv1.2' | 'TLSv1.3'
  /** With other mail servers, where it has to be TLS, and where it may be plain text. */
  readonly outboundTlsMinVersion: TlsVersion
  readonly opportunisticTlsMinVersion: TlsVersion
  readonly roles: ReadonlySet<Role>
  readonly transport: Transport
  /** Where everything goes with the transport `smarthost`. */
  readonly smarthost: Smarthost | undefined
  /** Addresses of this machine that mail leaves from; none: whichever the system takes, under our host name. */
  readonly egress: readonly EgressAddress[]
  /** ClamAV's daemon; undefined: nobody looks for viruses. */
  readonly clamav: Clamav | undefined
  /** URL of rspamd's worker. */
  readonly rspamd: string | undefined
  /** What becomes of mail while a scanner gives no answer. */
  readonly scanUnavailable: 'defer' | 'deliver'
  /** `SERVER[:PORT]`; undefined: the system's resolvers. */
  readonly dns: string | undefined
  /** The addresses that mail leaves from and others call us at; empty: the public ones of this machine. */
  readonly publicAddresses: readonly string[]
  /** The zone that we are the name server of; undefined: none. */
  readonly dnsZone: string | undefined
  readonly dnsPort: number
  /** Mail is signed with Ed25519 beside RSA. */
  readonly dkimEd25519: boolean
  /** How old a DKIM key of ours gets before the next is made; 0: until somebody asks for it. */
  readonly dkimRotationDays: number
  /** Threads that sign at a low priority; undefined: one for each core. */
  readonly signingThreads: number | undefined
  readonly mxPort: number
  readonly allowPrivateDestinations: boolean
  /** Whether domains that ask for them get daily TLS reports (RFC 8460). */
  readonly tlsReports: boolean
  /** The file of `limitsBySite`. */
  readonly shaping: string | undefined
  readonly limitsBySite: Shaping

  /** Local: every access key is taken, and stands for the default account. */
  readonly anyCredentials: boolean
  /** Local: mail may come from anybody, and in the sandbox go to anybody; for suites that never verify an identity. */
  readonly anyIdentity: boolean
  /** Local: an identity is verified the moment it is created. */
  readonly autoVerify: boolean
  /** Accounts start out of the sandbox. */
  readonly productionAccess: boolean
  readonly max24HourSend: number
  readonly maxSendRate: number
  /** SMTP refuses AUTH before TLS. */
  readonly requireTls: boolean
  /** Clock, fault and outcome controls, and the routes for people from other stand-ins. */
  readonly controls: boolean
  /** Bearer token of the admin API; undefined: loopback only, where `controls` are on. */
  readonly adminToken: string | undefined
  /** Origins that browsers may call the AWS APIs from (CORS); none unless configured. */
  readonly corsOrigins: readonly string[]
  /** How long, how many and how much mail is kept, with its events; 0: no bound. */
  readonly retentionDays: number
  readonly retentionMessages: number
  /** Octets of bodies as they are stored. */
  readonly retentionBytes: number
  /** How long TLS results are kept, for reports and operators; 0: no bound. */
  readonly retentionTlsDays: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'

  readonly limits: Limits
}

/** Bounds on what one caller can make us hold. Octets, counts and milliseconds. */
export type Limits = {
  /** v1: SES's 10 MB after base64; the form may be larger than the message. */
  readonly v1MessageBytes: number
  /** v2 and SMTP: SES's 40 MB after base64. */
  readonly messageBytes: number
  readonly recipients: number
  readonly httpHeadersTimeoutMs: number
  readonly httpRequestTimeoutMs: number
  readonly httpIdleTimeoutMs: number
  readonly smtpConnections: number
  readonly smtpIdleTimeoutMs: number
  readonly smtpSessionTimeoutMs: number
  /** Bad commands before the session is ended. */
  readonly smtpErrors: number
  /** Acceptances under way at once; beyond it calls answer 503 / 451. */
  readonly acceptancesUnderWay: number
  /** Octets of a message that scanners look at; a longer one goes on unseen. */
  readonly scanBytes: number
  /** For each scanner and message. */
  readonly scanTimeoutMs: number
}
