/** How long we wait for others, and how much we take from them. Everything here can be given otherwise. */
import type { Step } from '../message/outcome.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** RFC 5321 §4.5.3.2, which names no time for connecting: longer than any handshake, shorter than a system's own. */
export type Timeouts = Readonly<Record<Exclude<Step, 'lookup' | 'idle'>, number>> & {
  /** The whole attempt, over all hosts: the end of a tarpit that keeps each of the other times. */
  readonly attempt: number
}

export const TIMEOUTS: Timeouts = {
  connect: 60 * SECOND,
  greeting: 5 * MINUTE,
  ehlo: 5 * MINUTE,
  starttls: 2 * MINUTE,
  auth: 2 * MINUTE,
  mail: 5 * MINUTE,
  rcpt: 5 * MINUTE,
  data: 2 * MINUTE,
  /** For each piece of a message to leave (“Data Block”). */
  body: 3 * MINUTE,
  /** Giving up earlier makes duplicates. */
  dot: 10 * MINUTE,
  attempt: 30 * MINUTE,
}

export type DeliveryLimits = {
  /** Hosts of a domain that are looked at. */
  readonly hosts: number
  /** Addresses called in one attempt. */
  readonly addresses: number
  /** Hosts that may answer MAIL or RCPT with “later” before the attempt is over: the others mostly say the same. */
  readonly sessions: number
  /** Recipients in a transaction; RFC 5321 §4.5.3.1.8 promises 100. */
  readonly recipients: number
  /** Messages over one connection, and for how long it is used. */
  readonly messagesPerConnection: number
  readonly connectionAgeMs: number
  /** Silence after which a kept connection is closed. Servers wait five minutes; many of them wait less. */
  readonly connectionIdleMs: number
  /** Idle connections kept to one set of hosts, and in all. */
  readonly idlePerLane: number
  readonly idleConnections: number
}

export const DELIVERY_LIMITS: DeliveryLimits = {
  hosts: 10,
  addresses: 6,
  sessions: 2,
  recipients: 100,
  messagesPerConnection: 100,
  connectionAgeMs: 5 * MINUTE,
  connectionIdleMs: 5 * SECOND,
  idlePerLane: 20,
  idleConnections: 500,
}
