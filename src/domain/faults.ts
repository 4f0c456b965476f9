/**
 * Fault injection: rules that answer the next N (or p %) matching calls with a failure of the catalogue, or delay them.
 * Which calls are hit depends on the rules and the order of calls alone: a rule that rolls dice has its own seed.
 */
import { FAILURES, type Failure } from '../errors/catalogue.ts'
import { SesError } from '../errors/fail.ts'

export type FaultCall = {
  readonly service: 'v1' | 'v2' | 'smtp'
  /** The operation's name; of a mail over SMTP `SendRawEmail`, as which SES takes it. */
  readonly operation: string
  readonly account: string
  readonly region: string
}

/** A member that is null matches every call. `times` and `percent` null: every matching call is hit. */
export type FaultRule = {
  readonly id: string
  readonly service: FaultCall['service'] | null
  readonly operation: string | null
  readonly account: string | null
  readonly region: string | null
  /** null: the call is delayed and goes on. */
  readonly failure: Failure | null
  readonly message: string | null
  /** How many matching calls are hit, from the first on. */
  readonly times: number | null
  /** Of a hundred matching calls, how many are hit. */
  readonly percent: number | null
  readonly seed: number
  readonly delayMs: number
}

/** What is to happen to a call: wait so long, then throw `error`, or go on where it is null. */
export type Strike = { readonly delayMs: number; readonly error: SesError | null }

export type Faults = {
  /** The rules with the number of calls that each has hit so far. */
  list(): readonly (FaultRule & { readonly hits: number })[]
  /** Puts `rules` in the place of all others, with fresh counts. */
  replace(rules: readonly FaultRule[]): void
  /** False when there is no such rule. */
  remove(id: string): boolean
  clear(): void
  /** To be asked once for each call; undefined: nothing is to happen. */
  strike(call: FaultCall): Strike | undefined
}

/** A rule at work: `roll` gives its dice's next number in [0, 1). */
type Active = { readonly rule: FaultRule; hits: number; readonly roll: () => number }

/** An empty set of rules. Rules are asked in order: delays add up, and the first failure ends the call. */
export function createFaults(): Faults {
  let active: readonly Active[] = []
  return {
    list: () => active.map(({ rule, hits }) => ({ ...rule, hits })),
    replace(rules) {
      active = rules.map((rule) => ({ rule, hits: 0, roll: dice(rule.seed) }))
    },
    remove(id) {
      const before = active.length
      active = active.filter(({ rule }) => rule.id !== id)
      return active.length < before
    },
    clear() {
      active = []
    },
    strike: (call) => (active.length === 0 ? undefined : strike(active, call)),
  }
}

function strike(active: readonly Active[], call: FaultCall): Strike | undefined {
  let delayMs = 0
  let struck = false
  for (const each of active) {
    if (!matches(each.rule, call) || !isHit(each)) continue
    each.hits++
    struck = true
    delayMs += each.rule.delayMs
    const { failure, message } = each.rule
    if (failure !== null) return { delayMs, error: new SesError(failure, message ?? textOf(failure)) }
  }
  return struck ? { delayMs, error: null } : undefined
}

function matches(rule: FaultRule, call: FaultCall): boolean {
  return (
    (rule.service === null || rule.service === call.service) &&
    (rule.operation === null || rule.operation === call.operation) &&
    (rule.account === null || rule.account === call.account) &&
    (rule.region === null || rule.region === call.region)
  )
}

function isHit({ rule, hits: before, roll }: Active): boolean {
  if (rule.times !== null && before >= rule.times) return false
  return rule.percent === null || roll() * 100 < rule.percent
}

/** The words where the rule has none: SES's own where there is one sentence for the failure. */
function textOf(failure: Failure): string {
  const texts: Partial<Record<Failure, string>> = {
    SendingThrottled: 'Maximum sending rate exceeded.',
    Throttled: 'Rate exceeded',
    AccountSendingPaused: 'Account sending is disabled.',
    MailFromDomainNotVerified: 'DNS setup for MAIL FROM domain is invalid.',
    UnknownAccessKey: 'The security token included in the request is invalid.',
    ExpiredToken: 'The security token included in the request is expired',
    InternalFailure: 'An internal failure has occurred.',
    ServiceUnavailable: 'Service is temporarily unavailable.',
  }
  return texts[failure] ?? 'A fault rule asked for this failure.'
}

/** The catalogue's row for a row's name, or the first that has this code on v1's or v2's wire. */
export function failureNamed(name: string): Failure | undefined {
  const rows = Object.entries(FAILURES).filter(([row, { v1, v2 }]) => row === name || v1[0] === name || v2[0] === name)
  const [best] = rows.find(([row]) => row === name) ?? rows[0] ?? []
  return isRow(best) ? best : undefined
}

function isRow(name: string | undefined): name is Failure {
  return name !== undefined && Object.hasOwn(FAILURES, name)
}

/** Mulberry32: a small generator whose sequence depends on its seed alone. */
function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
