/** What every domain function is given: the services of this process, and who is calling. */
import type { Config } from '../config/config.ts'
import type { Platform } from '../platform/platform.ts'
import type { Store } from '../store/store.ts'
import type { AccountSettings, Job, Message, Scope } from '../store/types.ts'

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

/** The send limits of accounts. Recipients, not messages, are what counts. */
export type Quotas = {
  /**
   * Takes `recipients` from the rate and `counted` from the 24-hour quota, or says which of them forbids it. Then the
   * message is accepted, and {@link confirm} or {@link release} is told how that went. Throws ServiceUnavailable.
   */
  reserve(
    scope: Scope,
    settings: AccountSettings,
    recipients: number,
    counted: number,
  ): Promise<'ok' | 'rate' | 'quota'>
  /** The message that it was taken for is accepted, and counted in the store. */
  confirm(scope: Scope, counted: number): Promise<void>
  /** Gives back what a failed acceptance had taken. */
  release(scope: Scope, recipients: number, counted: number): void
  sentLast24Hours(scope: Scope): Promise<number>
  /** Forgets everything: the store was emptied. */
  reset(): void
  /** Gives back what this process holds and has not used. */
  close(): Promise<void>
}

/** A message that was just taken in. */
export type Accepted = { readonly scope: Scope; readonly message: Message; readonly jobs: readonly Job[] }

/** The services of this process. */
export type Services = Platform & {
  readonly config: Config
  readonly store: Store
  readonly quotas: Quotas
  /** Hands an accepted message on: to the queue, and to whoever waits for mail. */
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
