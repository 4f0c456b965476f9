/** A row of the table of the Internet in a box: a domain, how its hosts behave, and what becomes of mail to it. */
import type { Behaviour, Mx } from './mx.ts'

export type Row = {
  /** Under `.test`, its own; also the name of its configuration set and of who writes to it. */
  readonly domain: `${string}.test`
  /** A sentence whose subject is the domain. */
  readonly does: string
  /**
   * Lines of its zone (zone-lines.ts); `['@ MX 10 mx']` unless given. Hosts have their A records by themselves, and
   * `_MXPORT` is the label of the port that they all listen on.
   */
  readonly zone?: readonly string[]
  /** By their label in the zone; `{ mx: {} }`, one that takes all mail, unless given. */
  readonly hosts?: Readonly<Record<string, Behaviour>>
  /** An MTA-STS policy, served by a host with a certificate that is good, or is not. */
  readonly sts?: { readonly policy: string; readonly certificate?: 'good' | 'expired' }
  /** Local parts, or whole addresses; `bob` unless given. */
  readonly to?: readonly string[]
  /** Of the configuration set that the mail is sent with. */
  readonly set?: {
    readonly TlsPolicy?: 'REQUIRE'
    readonly MaxDeliverySeconds?: number
    readonly SuppressedReasons?: []
  }
  /** The message, in place of a short one; From and To are put before it. */
  readonly raw?: Buffer
  /** `FeedbackForwardingEmailAddress`. */
  readonly feedbackTo?: string
  /** What the domain brings to our inbound port once it has the mail. */
  readonly reports?: readonly Report[]
  /** Events after Send, in order. */
  readonly fates: readonly Fate[]
  /** Mails that hosts took, by label, each as its recipients; as the Deliveries say unless given. */
  readonly arrived?: Readonly<Record<string, readonly (readonly string[])[]>>
}

/** `to`: an address, or one of the row's return paths. */
export type Report = (sent: { readonly returnPath: string; readonly recipients: readonly string[] }) => {
  readonly to: string
  readonly lines: readonly string[]
}

/** Recipients are all of the row unless given; `at` is the label of the host, `mx` unless given, null for none. */
type Whom = { readonly to?: readonly string[] }
type Where = { readonly at?: string | null; readonly tls?: string }

export type Delivered = Whom & Where & { readonly type: 'Delivery'; readonly reply: string }
export type Bounced = Whom &
  Where & {
    readonly type: 'Bounce'
    /** `Permanent/General`. */
    readonly kind: string
    readonly reply: Text
    readonly suppresses?: boolean
    /** Who says so; we, unless given. */
    readonly reportedBy?: string
    /** Whether something of it went out; it did if there is a host, unless given. */
    readonly hasLeft?: boolean
  }
export type Delayed = Whom &
  Where & { readonly type: 'DeliveryDelay'; readonly delayType: string; readonly reply: Text | Ours }
export type Complained = Whom &
  Where & {
    readonly type: 'Complaint'
    readonly feedbackType: string
    /** Whether it is a complaint that counts against the sender. */
    readonly counts?: boolean
    readonly suppresses?: boolean
  }
export type Rejected = { readonly type: 'Reject' }
export type Fate = Delivered | Bounced | Delayed | Complained | Rejected

/** A reply with its codes; a pattern where a library's word is in it. */
export type Text = string | RegExp
/** One that nobody said but we. */
export type Ours = { readonly ours: Text }

/** What SES calls it when there is no way to the other side. */
export const NETWORK = 'TransientCommunicationFailure'
export const OK = '250 2.0.0 Ok: queued'
/** Addresses where nobody listens, on every port that is used here. */
export const DEAD = '127.0.0.254'

export function delivered(more: Whom & Where & { readonly reply?: string } = {}): Delivered {
  return { type: 'Delivery', reply: OK, ...more }
}

export function bounced(kind: string, reply: Text, more: Omit<Bounced, 'type' | 'kind' | 'reply'> = {}): Bounced {
  return { type: 'Bounce', kind, reply, ...more }
}

export function delayed(delayType: string, reply: Text | Ours, more: Whom & Where = {}): Delayed {
  return { type: 'DeliveryDelay', delayType, reply, ...more }
}

export function complained(feedbackType: string, more: Omit<Complained, 'type' | 'feedbackType'> = {}): Complained {
  return { type: 'Complaint', feedbackType, ...more }
}

/** Told of four times in the time of the table (MARKS), and given up after 840 minutes. */
export function expired(
  delayType: string,
  reply: Text | Ours,
  more: Whom & Where & Pick<Bounced, 'hasLeft'> = {},
): Fate[] {
  const { hasLeft: _, ...where } = more
  const delay = delayed(delayType, reply, where)
  const last = textOf(reply)
  const before = '550 4.4.7 Message expired: unable to deliver in 840 minutes.<'
  const given = typeof last === 'string' ? `${before}${last}>` : new RegExp(`^${RegExp.escape(before)}${last.source}>$`)
  return [delay, delay, delay, delay, bounced('Transient/General', given, more)]
}

export function ours(text: Text): Ours {
  return { ours: text }
}

export function textOf(reply: Text | Ours): Text {
  return typeof reply === 'object' && 'ours' in reply ? reply.ours : reply
}

/** Says `said` the first time that it is asked, and what is usual from then on. */
export function once(said: string | readonly string[]): () => string | readonly string[] | undefined {
  let isSaid = false
  return () => {
    if (isSaid) return undefined
    isSaid = true
    return said
  }
}

/** Says `said` of one recipient. */
export function about(local: string, said: string): (line: string) => string | undefined {
  return (line) => (line.includes(`<${local}@`) ? said : undefined)
}

export function addressesOf({ domain, to = ['bob'] }: Row): string[] {
  return to.map((each) => (each.includes('@') ? each : `${each}@${domain}`))
}

/** `greylists` of `greylists.test`. */
export function labelOf({ domain }: Row): string {
  return domain.slice(0, -'.test'.length).replaceAll('.', '-')
}

export type Hosts = ReadonlyMap<string, Mx>
