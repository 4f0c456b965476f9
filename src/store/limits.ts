/** Send limits that several nodes share. What is taken is decided in the database: postgres/migrations/003-limits.sql. */
import { query } from './db.ts'
import type { Reader } from './db.ts'
import { integer, row } from './rows.ts'
import type { Scope } from './types.ts'

/** `sums`: what the callers want, each with those before it; they pass while anything is left. */
export type TokenRequest = {
  readonly rate: number
  /** SES's time. */
  readonly now: number
  /** What the node has, and gives back first. */
  readonly returned: number
  readonly sums: readonly number[]
  /** To take besides, if it is there. */
  readonly block: number
}

export type AllowanceRequest = {
  readonly node: string
  readonly quota: number
  readonly now: number
  /** Recipients of messages that are being accepted, and that the database has not counted yet. */
  readonly inFlight: number
  readonly sums: readonly number[]
  readonly block: number
  /** How long it lasts, by the database's clock, unless it is renewed. */
  readonly leaseMs: number
}

export type LimitStore = {
  /** Takes tokens of the rate. `remaining`: thousandths of a recipient that are then left, or owed. */
  takeTokens(scope: Scope, request: TokenRequest): Promise<{ readonly granted: number; readonly remaining: number }>
  giveTokens(scope: Scope, rate: number, tokens: number): Promise<void>
  /** Takes an allowance of the 24-hour quota in place of what the node had; gives its recipients. */
  takeAllowance(scope: Scope, request: AllowanceRequest): Promise<number>
  /** Gives back what the node has beyond `inFlight`. */
  giveAllowance(scope: Scope, node: string, inFlight: number): Promise<void>
  /** Forgets everything: the store is emptied. */
  clear(): Promise<void>
}

const TAKE_TOKENS = query(
  `select granted, remaining from take_send_tokens(?1, ?2, ?3, ?4, ?5, ?6::bigint[], ?7)`,
  row({ granted: integer, remaining: integer }),
)
const GIVE_TOKENS = query(
  `update send_limits set tokens = least(greatest(1, ?3::float8) * 1000, tokens + ?4::float8 * 1000)
   where account = ?1 and region = ?2 returning 1 as "given"`,
  row({ given: integer }),
)
const TAKE_ALLOWANCE = query(
  `select granted from take_send_allowance(?1, ?2, ?3, ?4, ?5, ?6, ?7::bigint[], ?8, ?9)`,
  row({ granted: integer }),
)
const GIVE_ALLOWANCE = query(
  `update send_allowances set granted = least(granted, ?4) where account = ?1 and region = ?2 and node = ?3
   returning 1 as "given"`,
  row({ given: integer }),
)
const CLEAR = query(
  `with limits as (delete from send_limits returning 1), allowances as (delete from send_allowances returning 1)
   select (select count(*) from limits) + (select count(*) from allowances) as "cleared"`,
  row({ cleared: integer }),
)

/** Each call is one statement, and so a transaction by itself. */
export function limitStore(db: Reader): LimitStore {
  return {
    async takeTokens({ account, region }, { rate, now, returned, sums, block }) {
      const values = [account, region, rate, now, returned, listed(sums), block]
      const taken = await db.get(TAKE_TOKENS, values)
      return taken ?? missing()
    },
    async giveTokens({ account, region }, rate, tokens) {
      await db.get(GIVE_TOKENS, [account, region, rate, tokens])
    },
    async takeAllowance({ account, region }, { node, quota, now, inFlight, sums, block, leaseMs }) {
      const values = [account, region, node, quota, now, inFlight, listed(sums), block, leaseMs]
      return ((await db.get(TAKE_ALLOWANCE, values)) ?? missing()).granted
    },
    async giveAllowance({ account, region }, node, inFlight) {
      await db.get(GIVE_ALLOWANCE, [account, region, node, inFlight])
    },
    async clear() {
      await db.get(CLEAR, [])
    },
  }
}

/** An array as PostgreSQL reads it. */
function listed(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`
}

function missing(): never {
  throw new Error('a function of the database gave no row')
}
