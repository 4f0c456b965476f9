/** All write commands by name, as the thread that writes finds them. */
import { accountCommands } from './accounts.ts'
import { configurationSetCommands } from './configuration-sets.ts'
import { EVERYTHING } from './changes.ts'
import { changing } from './db.ts'
import type { AnyCommand } from './db.ts'
import { identityCommands } from './identities.ts'
import { jobCommands } from './jobs.ts'
import { keyCommands } from './keys.ts'
import { foldHeld } from './held.ts'
import { messageCommands } from './messages.ts'
import { nodeCommands } from './nodes.ts'
import { secretCommands } from './secrets.ts'
import { stsPolicyCommands } from './sts-policies.ts'
import { suppressionCommands } from './suppressions.ts'
import { suspensionCommands } from './suspensions.ts'
import { tlsResultCommands } from './tls-results.ts'
import { warmupCommands } from './warmup.ts'

const TABLES = [
  'accounts',
  'account_settings',
  'access_keys',
  'identity_policies',
  'identities',
  'configuration_sets',
  'suppressions',
  'messages',
  'bodies',
  'body_pieces',
  'loose_bodies',
  'held',
  'held_changes',
  'recipients',
  'jobs',
  'events',
  'attempts',
  'sent_minutes',
  'suspensions',
  'tls_results',
  'tls_reports',
  'sts_policies',
  'warmup_counts',
]

/** Empties every table of what users keep here; `seq` and job ids go on from where they were. */
export const reset = changing(
  'store.reset',
  () => EVERYTHING,
  async (tx, _nothing: null) => {
    for (const table of TABLES) await tx.run(`delete from ${table}`, [])
  },
)

const ALL: readonly AnyCommand[] = [
  ...accountCommands,
  ...keyCommands,
  ...identityCommands,
  ...configurationSetCommands,
  ...suppressionCommands,
  ...messageCommands,
  ...jobCommands,
  ...nodeCommands,
  ...secretCommands,
  ...suspensionCommands,
  ...tlsResultCommands,
  ...stsPolicyCommands,
  ...warmupCommands,
  foldHeld,
  reset,
]

export const COMMANDS: ReadonlyMap<string, AnyCommand> = new Map(ALL.map((listed) => [listed.name, listed]))
