/** Which tables make up an installation. A test fails when a table of either engine is in none of the lists. */

/** In the order in which they can be filled: what is referred to comes first. */
export const COPIED: readonly string[] = [
  'accounts',
  'account_settings',
  'access_keys',
  'identities',
  'identity_policies',
  'configuration_sets',
  'suppressions',
  'messages',
  'bodies',
  'body_pieces',
  'loose_bodies',
  'recipients',
  'jobs',
  'events',
  'attempts',
  'sent_minutes',
  'held',
  'held_changes',
  'secrets',
  'suspensions',
  'tls_results',
  'tls_reports',
  'sts_policies',
  'warmup_counts',
]

/** What belongs to the processes that run on a database, or to the database itself, and means nothing elsewhere. */
export const NOT_COPIED: ReadonlySet<string> = new Set([
  'sesame_schema',
  'nodes',
  'tasks',
  'send_limits',
  'send_allowances',
])

/** Columns that say which of those processes has a row: it is nobody's in the copy. */
export const LEFT_OUT: ReadonlySet<string> = new Set(['jobs.owner'])
