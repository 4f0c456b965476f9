/** What every domain function is given: the services of this process, and who is calling. */
import type { Config } from '../config/config.ts'
import type { Outcome } from '../message/outcome.ts'
import type { Platform } from '../platform/platform.ts'
import type { Store } from '../store/store.ts'
import type { Standings } from './sending/standing.ts'
import type { AccountSettings, Job, Message, Recipient, Scope } from '../store/types.ts'
import type { TlsCounts } from './tls-reports/count.ts'

/** Who calls, as authentication established it. */
export type Principal = {
  readonly accessKeyId: string
  /** The account that the key belongs to. */
  readonly account: string
  /** `root` for the account itself. */
  readonly userName: string
  /** `arn:aws:iam::ACCOUNT:user/NAME` or `arn:aws:iam::ACCOUNT:root`. */
  readonly arn: string
  /** IAM policy document (JSON text); null: everything is allowed. */
  readonly policy: string | null
}

export type Caller = {
  readonly scope: Scope
  readonly principal: Principal
  readonly surface: 'v1' | 'v2' | 'smtp'
  readonly requestId: string
  readonly sourceIp: string
  readonly userAgent: string
  /** `TLSv1.3` and the like; null: in the clear. */
  readonly tlsVersion: string | null
}

type Verdict = 'ok' | 'rate' | 'quota'

/** The send limits of accounts. Recipients, not messages, are what counts. */
export type Quotas = {
  /**
   * Takes `recipients` from the rate and `counted` from the 24-hour quota, or says which of them forbids it. Then the
   * message is accepted, and {@link confirm} or {@link release} is told how that went. Throws ServiceUnavailable.
   */
  reserve(scope: Scope, settings: AccountSettings, recipients: number, counted: number): Verdict | Promise<Verdict>
  /** The message that it was taken for is accepted, and counted in the store. */
  confirm(scope: Scope, counted: number): void | Promise<void>
  /** Gives back what a failed acceptance had taken. */
  release(scope: Scope, recipients: number, counted: number): void
  sentLast24Hours(scope: Scope): Promise<number>
  /** Forgets everything: the store was emptied. */
  reset(): void
  /** Gives back what this process holds and has not used. */
  close(): Promise<void>
}

/** Work that one of the processes on a store does for all of them. */
export type Tasks = {
  /** Other processes may change what this one would have to know of to be on time: it has to look. */
  readonly isShared: boolean
  /** Whether this process is the one that does the task now. Throws when the database does not answer. */
  holds(name: string): Promise<boolean>
  /**
   * Runs a task at once and then every `everyMs` of SES's time, on one process at a time. What it throws is logged. It
   * has to bear being run twice: a process that was paused in the middle goes on when another has taken over.
   */
  runAlone(name: string, everyMs: number, run: () => Promise<void>): { run(): Promise<void>; stop(): Promise<void> }
}

/** A message that was just taken in. */
export type Accepted = { readonly scope: Scope; readonly message: Message; readonly jobs: readonly Job[] }

/** The services of this process. */
export type Services = Platform & {
  readonly config: Config
  readonly store: Store
  readonly quotas: Quotas
  readonly standings: Standings
  /**
   * What becomes of mail to a destination that needs nobody's answer, in a process that delivers; undefined: it takes a
   * job. Of `recipients` those at the destination are given.
   */
  readonly deliverAtOnce: (
    destination: string,
    recipients: readonly Pick<Recipient, 'position' | 'mailbox'>[],
  ) => Outcome | undefined
  readonly tasks: Tasks
  readonly tlsCounts: TlsCounts
  /** Tells of an accepted message whoever waits for mail. */
  readonly onAccepted: (accepted: Accepted) => void
  /** Acceptances under way, held to a bound. */
  readonly gate: { underWay: number }
  /** `http://host:port` that links in mail start with, known once the listeners are bound. */
  readonly publicUrl: () => string
}

export type Ctx = Services & { readonly caller: Caller }

/** The scope of the call: account and region. */
export function scopeOf(ctx: Ctx): Scope {
  return ctx.caller.scope
}
