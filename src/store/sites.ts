/**
 * Words for a site, the servers that share the limits of mail to them: what `queue/`, which runs jobs by sites, and
 * `domain/`, which knows what an attempt came to, say to each other. No rows: the queue keeps them in memory.
 */

/** The key of the limits that hold for a job, and whether its site turned away everybody of late: then no attempt is to be made. */
export type Where = { readonly site: string; readonly isDown: boolean }

/** What an attempt says of the site. `refused`: it turned us away; `slower`: it had enough. */
export type Went = 'well' | 'slower' | 'refused'

/** A site as an operator sees it: its jobs, and what it gets just now; null: no limit, no pause. */
export type SiteView = {
  readonly site: string
  readonly ready: number
  readonly running: number
  readonly limit: number | null
  readonly perMinute: number | null
  readonly pausedUntil: number | null
  readonly isSlowed: boolean
}
