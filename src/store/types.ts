/**
 * What the store holds, as the rooms above it see it. Every key leads with account and region, so that a distributed
 * PostgreSQL can shard by account. Times are milliseconds since the epoch. A value read from the store is never changed
 * in place: it is replaced or patched through the store.
 */

export type Scope = { readonly account: string; readonly region: string }

export type Tag = { readonly key: string; readonly value: string }

/** A page of a listing: `next` is the key to go on after, undefined on the last page. */
export type Page<T> = { readonly items: readonly T[]; readonly next: string | undefined }
export type PageRequest = { readonly after?: string | undefined; readonly limit: number }

// ── Accounts ────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Account = {
  readonly id: string
  readonly name: string
  /** Where notices about the account go (verification of its use, enforcement); null: nobody is told. */
  readonly email: string | null
  readonly createdAt: number
}

export type AccessKey = {
  /** The access key id: `AKIA…`, or `ASIA…` for temporary credentials. */
  readonly id: string
  readonly account: string
  /** The IAM user that the key belongs to; `root` for the account itself. */
  readonly userName: string
  readonly secret: string
  /** The IAM policy document (JSON text) that bounds the key; null: everything is allowed. */
  readonly policy: string | null
  readonly active: boolean
  /** Only with temporary credentials. */
  readonly sessionToken: string | null
  readonly expiresAt: number | null
  readonly createdAt: number
}

export type AccountDetails = {
  readonly mailType: 'MARKETING' | 'TRANSACTIONAL'
  readonly websiteUrl: string
  readonly contactLanguage: 'EN' | 'JA' | null
  readonly useCaseDescription: string | null
  readonly additionalContactEmailAddresses: readonly string[]
}

/** What an account may do in one region. `max24HourSend` −1: unlimited. */
export type AccountSettings = {
  readonly productionAccess: boolean
  readonly max24HourSend: number
  readonly maxSendRate: number
  readonly enforcementStatus: 'HEALTHY' | 'PROBATION' | 'SHUTDOWN'
  readonly sendingEnabled: boolean
  readonly details: AccountDetails | null
  readonly review: { readonly status: 'PENDING' | 'FAILED' | 'GRANTED' | 'DENIED'; readonly caseId: string } | null
  readonly suppressedReasons: readonly SuppressionReason[]
  readonly dedicatedIpAutoWarmup: boolean
}

// ── Identities ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** v2's spelling; v1's is the same in camel case. */
export type CheckState = 'NOT_STARTED' | 'PENDING' | 'SUCCESS' | 'FAILED' | 'TEMPORARY_FAILURE'

/** One thing that is proved by DNS or by a link: when the proof was asked for, seen, and last missed. */
export type Check = {
  readonly state: CheckState
  /** When the present search began: 72 h later it has failed. */
  readonly since: number
  readonly lastCheckedAt: number | null
  readonly lastSuccessAt: number | null
  /** v2's `VerificationInfo.ErrorType`. */
  readonly error: CheckError | null
}

export type CheckError =
  | 'SERVICE_ERROR'
  | 'DNS_SERVER_ERROR'
  | 'HOST_NOT_FOUND'
  | 'TYPE_NOT_FOUND'
  | 'INVALID_VALUE'
  | 'REPLICATION_PRIMARY_NOT_FOUND'
  | 'REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED'
  | 'REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED'
  | 'REPLICATION_PRIMARY_INVALID_REGION'

/** A private key, from when it is made until nothing that was signed with it is under way any more (domain/dkim/ring.ts). */
export type DkimKey = {
  readonly selector: string
  readonly algorithm: 'rsa' | 'ed25519'
  /** PKCS#8; empty when it is withdrawn. */
  readonly pem: string
  readonly state: 'pending' | 'active' | 'retired' | 'withdrawn'
  /** Since when it is in its state. */
  readonly since: number
  /** `owner`: brought by the domain's owner, and in his DNS. `operator`: made here, and in ours. */
  readonly publishedBy: 'owner' | 'operator'
}

export type Dkim = Check & {
  readonly signingEnabled: boolean
  /** `AWS_SES_US_EAST_1`: Easy DKIM with the tokens and keys of the same domain in that region. */
  readonly origin: 'AWS_SES' | 'EXTERNAL' | `AWS_SES_${string}`
  /** Easy DKIM: the three CNAME tokens, which are selectors of keys that take turns. */
  readonly tokens: readonly string[]
  /** Those that sign, will, or did; also of a set-up that was replaced and goes on signing until the new one is found. */
  readonly keys: readonly DkimKey[]
  /** BYODKIM's selector. */
  readonly selector: string | null
  readonly currentKeyLength: 'RSA_1024_BIT' | 'RSA_2048_BIT' | null
  readonly nextKeyLength: 'RSA_1024_BIT' | 'RSA_2048_BIT' | null
  readonly keysMadeAt: number | null
}

export type MailFrom = Check & {
  readonly domain: string
  readonly behaviorOnMxFailure: 'USE_DEFAULT_VALUE' | 'REJECT_MESSAGE'
}

export type Feedback = {
  readonly forwardingEnabled: boolean
}

export type Identity = {
  /** A domain in lower case, or an address with its domain in lower case and its local part as typed. */
  readonly name: string
  readonly kind: 'EMAIL_ADDRESS' | 'DOMAIN'
  readonly createdAt: number
  readonly verification: Check & {
    /** A domain's TXT token, or the secret in an address's verification link. */
    readonly token: string
    /** Only v1's VerifyDomainIdentity looks for the TXT record; v2 proves a domain by DKIM. Either is enough. */
    readonly byTxt: boolean
  }
  readonly dkim: Dkim
  readonly mailFrom: MailFrom | null
  readonly feedback: Feedback
  readonly configurationSet: string | null
  readonly tags: readonly Tag[]
  /** When a check of this identity is due next; null: nothing to check. */
  readonly nextCheckAt: number | null
}

export type IdentityPolicy = { readonly identity: string; readonly name: string; readonly policy: string }

// ── Configuration sets ──────────────────────────────────────────────────────────────────────────────────────────────

export type ConfigurationSet = {
  readonly name: string
  readonly createdAt: number
  readonly sendingEnabled: boolean
  readonly reputation: { readonly metricsEnabled: boolean; readonly lastFreshStart: number | null }
  readonly tracking: {
    readonly customRedirectDomain: string
    readonly httpsPolicy: 'REQUIRE' | 'REQUIRE_OPEN_ONLY' | 'OPTIONAL' | null
  } | null
  readonly delivery: {
    readonly tlsPolicy: 'REQUIRE' | 'OPTIONAL'
    readonly sendingPoolName: string | null
    readonly maxDeliverySeconds: number | null
  } | null
  /** null: as the account has it. */
  readonly suppressedReasons: readonly SuppressionReason[] | null
  readonly vdm: {
    readonly engagementMetrics: 'ENABLED' | 'DISABLED' | null
    readonly optimizedSharedDelivery: 'ENABLED' | 'DISABLED' | null
  } | null
  readonly archiveArn: string | null
  readonly tags: readonly Tag[]
}

// ── Suppression ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Why an address is not sent to any more. */
export type SuppressionReason = 'BOUNCE' | 'COMPLAINT'

/** An address on the suppression list of an account in a region. */
export type Suppression = {
  /** Its domain in lower case, its local part as typed. */
  readonly address: string
  readonly reason: SuppressionReason
  readonly updatedAt: number
  /** Of the bounce or complaint that put it there; null: somebody did. */
  readonly messageId: string | null
  readonly feedbackId: string | null
}

/** `reasons`: any of them; empty: all. Times are those of the last update, and both ends belong to it. */
export type SuppressionFilter = {
  readonly reasons?: readonly SuppressionReason[]
  readonly since?: number | undefined
  readonly until?: number | undefined
}

// ── Messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

export type HeaderLine = { readonly name: string; readonly value: string }

/** SES's `commonHeaders` (event JSON): each only when the message has it. */
export type CommonHeaders = {
  readonly from?: readonly string[] | undefined
  readonly sender?: string | undefined
  readonly to?: readonly string[] | undefined
  readonly cc?: readonly string[] | undefined
  readonly bcc?: readonly string[] | undefined
  readonly replyTo?: readonly string[] | undefined
  readonly returnPath?: string | undefined
  readonly date?: string | undefined
  readonly messageId: string
  readonly subject?: string | undefined
}

/** One accepted call. */
export type Message = {
  /** SES's MessageId. */
  readonly id: string
  readonly acceptedAt: number
  readonly surface: 'v1' | 'v2' | 'smtp' | 'system'
  /** The value of the `ses:operation` tag. */
  readonly operation: string
  /** The caller composed the message himself. */
  readonly isRaw: boolean
  /** The sender as the caller wrote it. */
  readonly source: string
  readonly sourceArn: string | null
  /** Envelope sender of the delivery: SES's own, with the MessageId in it. */
  readonly returnPath: string
  /** Where bounces of this message are forwarded to. */
  readonly feedbackAddress: string
  readonly configurationSet: string | null
  /** Event tags, the automatic `ses:…` ones included. */
  readonly tags: Readonly<Record<string, readonly string[]>>
  /** All envelope recipients, as the caller wrote them. */
  readonly destination: readonly string[]
  readonly headers: readonly HeaderLine[]
  readonly headersTruncated: boolean
  readonly commonHeaders: CommonHeaders
  readonly tenantName: string | null
  readonly listManagement: { readonly contactListName: string; readonly topicName: string | null } | null
  /** Octets of the message as it is delivered. */
  readonly size: number
  /** Recipients that count to quota and statistics: those of simulator and system mail do not. */
  readonly counted: number
}

export type RecipientStatus = 'queued' | 'delivered' | 'delayed' | 'bounced' | 'complained' | 'rejected'

export type Recipient = {
  /** Position in the envelope, from 0. */
  readonly position: number
  /** As the caller wrote it. */
  readonly address: string
  /** The bare addr-spec: what RCPT TO says. */
  readonly mailbox: string
  readonly field: 'to' | 'cc' | 'bcc' | 'envelope'
  readonly status: RecipientStatus
  /** The last word from the other side, e.g. `250 2.0.0 OK`. */
  readonly reply: string | null
  readonly updatedAt: number
}

/** One message to one destination (a recipient domain). */
export type Job = {
  readonly id: number
  readonly scope: Scope
  readonly messageId: string
  readonly destination: string
  /** Positions of the recipients. */
  readonly recipients: readonly number[]
  readonly attempts: number
  readonly dueAt: number
  /** The node that has it; null: nobody, or (on SQLite) the one process that there is. */
  readonly owner: number | null
  /** The egress pool that an operator moved it to; left out: that of its configuration set. */
  readonly pool?: string
}

/** An event. `json` is what it says besides its type and the mail that it is about (events/records.ts). */
export type MessageEvent = {
  readonly messageId: string
  readonly type: string
  readonly at: number
  readonly json: string
}

/** What one delivery attempt said to the other side and heard. */
export type Attempt = {
  readonly destination: string
  readonly at: number
  readonly durationMs: number
  readonly transport: string
  readonly transcript: readonly string[]
}

/** What the statistics count of outcomes, in recipients. */
export type OutcomeCounts = { readonly bounces: number; readonly complaints: number; readonly rejects: number }

export type Acceptance = {
  readonly scope: Scope
  readonly message: Message
  /** RFC 5322 text as it is delivered, without the trace that delivery adds. */
  readonly raw: Uint8Array
  /** As they are when it is accepted: `queued`, unless their fate is known already. */
  readonly recipients: readonly Omit<Recipient, 'updatedAt'>[]
  readonly jobs: readonly Pick<Job, 'destination' | 'recipients' | 'dueAt'>[]
  readonly events: readonly Omit<MessageEvent, 'messageId'>[]
  /** Of destinations whose outcome is known already; they have no jobs. */
  readonly attempts: readonly Attempt[]
  readonly counts: OutcomeCounts
  /** The node that keeps the jobs to itself, without a claim; none: whoever claims them has them. */
  readonly owner?: number | null
}

/** What is left of a job after an attempt: those who were not reached, and when to try again. */
export type JobRest = Pick<Job, 'recipients' | 'attempts' | 'dueAt'>

export type Settlement = {
  readonly scope: Scope
  readonly messageId: string
  /** The job that was attempted; null: an outcome after the fact (a complaint, an asynchronous bounce). */
  readonly jobId: number | null
  /** Nobody's from now on, and to be run again; left out: the job has ended. */
  readonly rest?: JobRest | undefined
  /** Who had the job when it was delivered; left out: nobody. */
  readonly owner?: number | null
  readonly at: number
  readonly updates: readonly Pick<Recipient, 'position' | 'status' | 'reply'>[]
  readonly events: readonly Omit<MessageEvent, 'messageId'>[]
  readonly attempt: Attempt | null
  readonly counts: OutcomeCounts
  /** What the outcome puts on the suppression list. */
  readonly suppress?: readonly Suppression[]
}

/** What SES's GetSendStatistics reports of a quarter of an hour. */
export type SendDataPoint = {
  readonly at: number
  readonly deliveryAttempts: number
  readonly bounces: number
  readonly complaints: number
  readonly rejects: number
}

export type MessageFilter = {
  readonly account?: string | undefined
  readonly region?: string | undefined
  /** Part of an envelope recipient, of the sender, of the subject; upper and lower case alike. */
  readonly to?: string | undefined
  readonly from?: string | undefined
  readonly subject?: string | undefined
  readonly since?: number | undefined
  /** Only messages with a greater `seq`: what came since the last look. */
  readonly afterSeq?: number | undefined
}

/** A message in a listing: everything but its body. `seq` grows with each acceptance. */
export type StoredMessage = { readonly seq: number; readonly scope: Scope; readonly message: Message }

// ── Suspensions ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** `all`: everything, with an empty value. */
export type SuspensionKind = 'all' | 'account' | 'destination' | 'message'

/** Mail that an operator holds back until he resumes it. */
export type Suspension = { readonly kind: SuspensionKind; readonly value: string; readonly since: number }

// ── Nodes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a process says of itself when it joins. */
export type NodeSelf = { readonly hostname: string; readonly pid: number; readonly roles: readonly string[] }

/** A process on a shared database. Times are the database's, in milliseconds since the epoch. */
export type Node = NodeSelf & {
  readonly id: number
  readonly startedAt: number
  readonly seenAt: number
  /** Its lease has not lapsed. */
  readonly isLive: boolean
  /** Jobs that it has. */
  readonly jobs: number
}
