/** All rules, in the order in which they are asked: those of the large providers first. */
import type { Rule } from '../rule.ts'
import { GATEWAYS } from './gateways.ts'
import { GENERAL } from './general.ts'
import { GOOGLE } from './google.ts'
import { MICROSOFT } from './microsoft.ts'
import { PROVIDERS } from './providers.ts'
import { SERVERS } from './servers.ts'

/** Whose words they are → their rules. */
export const RULE_BOOKS: ReadonlyMap<string, readonly Rule[]> = new Map([
  ['Google', GOOGLE],
  ['Microsoft', MICROSOFT],
  ['Yahoo, Apple and other providers', PROVIDERS],
  ['Filters and blocklists', GATEWAYS],
  ['Mail servers', SERVERS],
  ['Common words', GENERAL],
])

export const RULES: readonly Rule[] = [...RULE_BOOKS.values()].flat()
