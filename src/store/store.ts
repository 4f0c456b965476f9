/** The store: one interface, two engines. Reads see every write that was acknowledged before them. A write's promise settles after the commit is on disk. */
import type { CachedReads, Derive } from './cached.ts'
import type { WarmupStore } from './warmup.ts'
import type { ChangeListener } from './changes.ts'
import type { LimitStore } from './limits.ts'
import type { StsPolicyStore } from './sts-policies.ts'
import type { TlsResultStore } from './tls-results.ts'
import type {
  Acceptance,
  AccessKey,
  Account,
  AccountSettings,
  Attempt,
  ConfigurationSet,
  Identity,
  IdentityPolicy,
  Job,
  MessageEvent,
  MessageFilter,
  Node,
  NodeSelf,
  Page,
  PageRequest,
  Recipient,
  Scope,
  SendDataPoint,
  Settlement,
  StoredMessage,
  Suppression,
  SuppressionFilter,
  Suspension,
} from './types.ts'

export type AccountStore = {
  /** False when the id is taken. */
  insert(account: Account): Promise<boolean>
  find(id: string): Promise<Account | undefined>
  update(id: string, patch: Partial<Pick<Account, 'name' | 'email'>>): Promise<boolean>
  list(): Promise<readonly Account[]>
  /** The settings of an account in a region, undefined while nothing was ever set there. */
  settings(scope: Scope): Promise<AccountSettings | undefined>
  /** Merges `patch` over what is stored, or over `defaults` where nothing is, in one step; gives the result. */
  patchSettings(scope: Scope, defaults: AccountSettings, patch: Partial<AccountSettings>): Promise<AccountSettings>
  /** Regions in which the account has settings or identities. */
  regions(account: string): Promise<readonly string[]>
}

export type KeyStore = {
  insert(key: AccessKey): Promise<boolean>
  find(id: string): Promise<AccessKey | undefined>
  list(account: string): Promise<readonly AccessKey[]>
  remove(account: string, id: string): Promise<boolean>
}

export type IdentityStore = {
  insert(scope: Scope, identity: Identity): Promise<boolean>
  find(scope: Scope, name: string): Promise<Identity | undefined>
  /** Those of `names` that exist. */
  findMany(scope: Scope, names: readonly string[]): Promise<readonly Identity[]>
  /** Replaces the members given, whole, in one step; the identity as it is then, undefined when there is none. */
  patch(scope: Scope, name: string, patch: Partial<Omit<Identity, 'name' | 'kind'>>): Promise<Identity | undefined>
  /** Removes the identity with its policies. */
  remove(scope: Scope, name: string): Promise<boolean>
  list(scope: Scope, kind: Identity['kind'] | undefined, page: PageRequest): Promise<Page<Identity>>
  count(scope: Scope): Promise<number>
  /** Identities of all accounts whose check is due, the longest overdue first. */
  due(now: number, limit: number): Promise<readonly { readonly scope: Scope; readonly identity: Identity }[]>
  /** When the next check of any identity is due. */
  nextDue(): Promise<number | undefined>
  policies(scope: Scope, identity: string): Promise<readonly IdentityPolicy[]>
  insertPolicy(scope: Scope, policy: IdentityPolicy): Promise<boolean>
  /** Creates or replaces. */
  putPolicy(scope: Scope, policy: IdentityPolicy): Promise<void>
  removePolicy(scope: Scope, identity: string, name: string): Promise<boolean>
}

export type ConfigurationSetStore = {
  insert(scope: Scope, set: ConfigurationSet): Promise<boolean>
  find(scope: Scope, name: string): Promise<ConfigurationSet | undefined>
  patch(
    scope: Scope,
    name: string,
    patch: Partial<Omit<ConfigurationSet, 'name'>>,
  ): Promise<ConfigurationSet | undefined>
  remove(scope: Scope, name: string): Promise<boolean>
  list(scope: Scope, page: PageRequest): Promise<Page<ConfigurationSet>>
  count(scope: Scope): Promise<number>
}

export type SuppressionStore = {
  /** Creates or replaces. */
  put(scope: Scope, added: Suppression): Promise<void>
  find(scope: Scope, address: string): Promise<Suppression | undefined>
  /** Those of `addresses` that are on the list. */
  findMany(scope: Scope, addresses: readonly string[]): Promise<readonly Suppression[]>
  /** Whether there is any address on the list. */
  any(scope: Scope): Promise<boolean>
  remove(scope: Scope, address: string): Promise<boolean>
  /** By address. */
  list(scope: Scope, filter: SuppressionFilter, page: PageRequest): Promise<Page<Suppression>>
}

/** `before`: a `seq`. */
export type MessagePageRequest = { readonly before?: number | undefined; readonly limit: number }
export type MessagePage = { readonly messages: readonly StoredMessage[]; readonly next: number | undefined }

export type MessageStore = {
  /** Writes message, recipients, jobs, events and counters in one transaction; gives the jobs with their ids. */
  accept(acceptance: Acceptance): Promise<readonly Job[]>
  /**
   * Writes what became of some recipients, the events that tell of it, and the end of the job, in one transaction.
   * Nothing is written when the job had already ended or the message was removed.
   */
  settle(settlement: Settlement): Promise<void>
  find(messageId: string): Promise<StoredMessage | undefined>
  raw(scope: Scope, messageId: string): Promise<Uint8Array | undefined>
  /** The same octets, some 256 kB at a time. Reading on throws when the message is removed meanwhile. */
  rawPieces(scope: Scope, messageId: string): Promise<AsyncIterable<Uint8Array> | undefined>
  recipients(scope: Scope, messageId: string): Promise<readonly Recipient[]>
  events(scope: Scope, messageId: string): Promise<readonly MessageEvent[]>
  /** Those of them that tell how it ended for recipients: Delivery, Bounce, Complaint. Of others there may be very many. */
  ends(scope: Scope, messageId: string): Promise<readonly MessageEvent[]>
  attempts(scope: Scope, messageId: string): Promise<readonly Attempt[]>
  /**
   * Newest first, without bodies. A page is shorter than `limit` when what is known of its messages would take more
   * than 16 MB; `next` is the `before` of the next one, undefined on the last.
   */
  page(filter: MessageFilter, page: MessagePageRequest): Promise<MessagePage>
  /** The messages of such a page. */
  list(filter: MessageFilter, page: MessagePageRequest): Promise<readonly StoredMessage[]>
  /** Removes what was accepted (of an account, or of all), with everything that hangs on it, but not the counters. */
  clear(account: string | undefined): Promise<void>
  remove(scope: Scope, messageId: string): Promise<boolean>
  /** Jobs not yet ended, by id. */
  unfinishedJobs(afterId: number, limit: number): Promise<readonly Job[]>
  /** Recipients accepted per minute since `since`, for the rolling 24-hour quota. `at` is the minute's start. */
  sentPerMinute(scope: Scope, since: number): Promise<readonly { readonly at: number; readonly recipients: number }[]>
  statistics(scope: Scope, since: number): Promise<readonly SendDataPoint[]>
}

/** `excess`: how much more than may stay is held. `behind`: a `seq`, where to go on. */
export type RemovalStep = { readonly behind: number; readonly acceptedBefore: number; readonly excess: Amount }
export type RemovalStepped = {
  readonly removed: number
  readonly behind: number
  readonly excess: Amount
  /** Nothing that has to go lies behind. */
  readonly isEnd: boolean
}
/** Messages, and octets of their bodies as they are stored. */
export type Amount = { readonly messages: number; readonly bytes: number }

/** What upkeep is done with. Each call is short, and may be made on several nodes at once. */
export type UpkeepStore = {
  held(): Promise<Amount>
  /** Adds up what is held: one row a day instead of one a transaction. */
  foldHeld(): Promise<void>
  /**
   * Looks at the oldest few messages behind `behind`, and removes those accepted before `acceptedBefore`, and others
   * while there is excess. It passes over messages with jobs that have not ended.
   */
  removeOldest(step: RemovalStep): Promise<RemovalStepped>
  /** Removes up to `limit` bodies that no message refers to, of which nothing was written since `before`. */
  sweepBodies(before: number, limit: number): Promise<number>
  /** Where tables are partitioned by day. */
  readonly days: DayStore | undefined
}

/** Whole days of messages; a day is counted from the epoch, in UTC. */
export type DayStore = {
  /** Makes a place of their own for the days of `from` to `to`, where they have none yet. */
  prepare(from: number, to: number): Promise<void>
  /** What is held, day by day, the oldest first. */
  held(): Promise<readonly (Amount & { readonly day: number })[]>
  /**
   * Removes the days up to `last` at once; those with jobs that have not ended stay. False when somebody stood in the
   * way of one: to be tried again.
   */
  drop(last: number): Promise<boolean>
}

/** What the queue of a process that has the store to itself needs to keep most of its jobs in the database. */
export type JobStore = {
  /** Jobs that wait for nothing, by id. */
  fresh(afterId: number, limit: number): Promise<readonly Job[]>
  /** The job is to be tried again at `dueAt`, by whoever; false when it has ended meanwhile, or is no longer the owner's. */
  postpone(job: Pick<Job, 'id' | 'scope' | 'attempts' | 'dueAt' | 'owner'>): Promise<boolean>
  /** As {@link postpone}, of jobs of one account and owner that were not attempted. */
  park(jobs: readonly Pick<Job, 'id' | 'scope' | 'owner'>[], dueAt: number): Promise<void>
  /** Has those that were parked until just that time be due `now`. */
  recall(parkedUntil: number, now: number): Promise<void>
  /** Has jobs that nobody has be due at `dueAt`, unless they are earlier. */
  hasten(jobs: readonly Pick<Job, 'id' | 'scope'>[], dueAt: number): Promise<void>
  /**
   * Has jobs leave from another egress pool, and writes that among their attempts; gives the ids of those that had not
   * ended. Some at a time: a crash in between leaves those moved that were.
   */
  move(
    jobs: readonly Pick<Job, 'id' | 'scope' | 'messageId' | 'destination'>[],
    how: { readonly pool: string; readonly at: number; readonly transport: string },
  ): Promise<readonly number[]>
  /** Postponed jobs that are due at `now`, by due time and id; those behind `after`. */
  postponed(now: number, after: Pick<Job, 'id' | 'dueAt'> | undefined, limit: number): Promise<readonly Job[]>
  /** When the first of the jobs that are not due at `now` will be. */
  nextPostponed(now: number): Promise<number | undefined>
}

export type SuspensionStore = {
  list(): Promise<readonly Suspension[]>
  /** False when it is there already. */
  put(suspension: Suspension): Promise<boolean>
  remove(kind: Suspension['kind'], value: string): Promise<boolean>
}

/** Which due jobs a node asks for: those that nobody has, by due time and id, behind `after`. */
export type Claim = {
  readonly node: number
  readonly now: number
  readonly after: Pick<Job, 'id' | 'dueAt'> | undefined
  readonly limit: number
}

/**
 * What came of a heartbeat: whether the node still is one, how many are, and how many have let their leases lapse; how
 * many of those that live deliver, and `rank` of them have lower ids than the node.
 */
export type Beat = {
  readonly isKnown: boolean
  readonly live: number
  readonly lapsed: number
  readonly delivering: number
  readonly rank: number
}

/** How much was given up. Not `isDone`: there is more, which the next call gives back. */
export type GivenBack = { readonly nodes: number; readonly jobs: number; readonly isDone: boolean }

/** What several processes on one database need to share its work. Leases are judged by the database's clock. */
export type NodeStore = {
  /** A new node, with a lease of `leaseMs` from now on; gives its id, which never comes twice. */
  join(self: NodeSelf, leaseMs: number): Promise<number>
  /** Renews the lease, even one that has lapsed, unless the node was given up. */
  beat(node: number, leaseMs: number): Promise<Beat>
  /** Ends a node and gives back what it has. */
  leave(node: number): Promise<void>
  /** Gives up nodes whose leases have lapsed, and gives back what such nodes have or came to have later. */
  giveBack(): Promise<GivenBack>
  /** By id. */
  list(): Promise<readonly Node[]>
  /** Takes jobs for a node; nobody else has them then. By due time and id. */
  claim(claim: Claim): Promise<readonly Job[]>
  /** Jobs that a node has, by id. */
  owned(node: number, afterId: number, limit: number): Promise<readonly Job[]>
  /** Whether the node does the task for all, as it has until now or from now on: one live node does. */
  holdTask(name: string, node: number): Promise<boolean>
}

export type SecretStore = {
  /**
   * The secret of this name, which `make` makes when there is none yet. However many processes ask at once, all get the
   * same; it outlives {@link Store.reset}.
   */
  keep(name: string, make: () => string | Promise<string>): Promise<string>
  /** As {@link keep}, of one that may change: read anew each time. */
  current(name: string, make: () => string | Promise<string>): Promise<string>
  find(name: string): Promise<string | undefined>
  /** Puts `to` in the place of `from`; false when there is something else by now. */
  replace(name: string, from: string, to: string): Promise<boolean>
}

/** Since the start, for /metrics: transactions committed, writes that they held, and writes that wait now. */
export type WriteMetrics = { readonly commits: number; readonly writes: number; readonly waiting: number }
/** And queries that the database answered. */
export type StoreMetrics = WriteMetrics & { readonly reads: number }

export type Store = {
  readonly accounts: AccountStore
  readonly keys: KeyStore
  readonly identities: IdentityStore
  readonly configurationSets: ConfigurationSetStore
  readonly suppressions: SuppressionStore
  /** What every send reads, from memory where that is known. */
  readonly cached: CachedReads
  readonly derive: Derive
  readonly secrets: SecretStore
  readonly messages: MessageStore
  readonly jobs: JobStore
  readonly suspensions: SuspensionStore
  readonly tlsResults: TlsResultStore
  readonly stsPolicies: StsPolicyStore
  readonly warmup: WarmupStore
  /** undefined: this process has the store to itself. */
  readonly nodes: NodeStore | undefined
  /** The send limits that nodes share; undefined: this process has the store to itself, and counts by itself. */
  readonly limits: LimitStore | undefined
  /**
   * Tells `listener` what changed: of this process's writes before they settle, on PostgreSQL of the other nodes' as
   * soon as it is known. Until the returned function is called.
   */
  onChange(listener: ChangeListener): () => void
  readonly upkeep: UpkeepStore
  metrics(): StoreMetrics
  /** Empties everything but the secrets: what was sent before may still come back. */
  reset(): Promise<void>
  /** Writes what is under way and closes. */
  close(): Promise<void>
}
