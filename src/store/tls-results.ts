/** How connections to others went as to TLS, counted by day and domain, and which reports of that were sent. */
import { hash } from 'node:crypto'
import { command, query } from './db.ts'
import type { Db } from './db.ts'
import { integer, json, nullable, row, text } from './rows.ts'

/** What sessions have in common that are counted together. */
export type TlsDetails = {
  readonly policy: {
    readonly type: string
    readonly domain: string
    readonly lines: readonly string[]
    readonly mxHosts: readonly string[]
  }
  /** null: they were as they had to be. Empty texts: not known. */
  readonly failure: null | {
    readonly type: string
    readonly reason: string
    readonly host: string
    readonly helo: string
    readonly ip: string
    readonly egressIp: string
  }
}

/** `day`: days since the epoch, in UTC. `domain`: of the recipients, in lower case. */
export type TlsCount = TlsDetails & { readonly day: number; readonly domain: string; readonly sessions: number }

/** A domain on a day; `sentTo`: the URIs that its report was sent to, undefined while none was. */
export type TlsDomain = {
  readonly domain: string
  readonly successes: number
  readonly failures: number
  readonly sentTo: readonly string[] | undefined
}

/** `after`: a domain. */
export type TlsPage = { readonly after?: string | undefined; readonly limit: number }
export type TlsClaim = { readonly day: number; readonly domain: string; readonly now: number; readonly leaseMs: number }

export type TlsResultStore = {
  /** Adds to what was counted, in one transaction: some hundred at a time. Gives the sessions that were not counted, for want of room in their day or domain. */
  add(counts: readonly TlsCount[]): Promise<number>
  /** Of a day, by domain. */
  domains(day: number, page: TlsPage): Promise<readonly TlsDomain[]>
  /** Everything that was counted of a domain on a day. */
  find(day: number, domain: string): Promise<readonly TlsCount[]>
  /** Domains of a day whose reports were not done with, by name. */
  unreported(day: number, page: TlsPage): Promise<readonly string[]>
  /** Takes the report of a domain on, for `leaseMs`; false: somebody else has, or it is done. */
  claim(claim: TlsClaim): Promise<boolean>
  /** The report was sent to these URIs; empty: nobody asked for one. */
  reported(day: number, domain: string, sentTo: readonly string[]): Promise<void>
  /** Removes some of what is of days before `day`; false: there is nothing left of it. */
  removeBefore(day: number): Promise<boolean>
}

/** More would be no report that anybody reads. */
export const MOST_OF_DOMAIN = 100
/** Some 15 MB, where mail goes to that many domains. */
export const MOST_OF_DAY = 50_000
const REMOVED_AT_ONCE = 2_000

type Added = { readonly day: number; readonly domain: string; readonly id: string; readonly details: string }
type Counted = Added & { readonly failed: number; readonly sessions: number }

const HELD = query(`select count(*) as "rows" from tls_results where day = ?1`, row({ rows: integer }))
const MORE = `update tls_results set sessions = sessions + ?4 where day = ?1 and domain = ?2 and id = ?3`
// Another node may have made the row a moment ago.
const FIRST = `insert into tls_results (day, domain, id, details, failed, sessions)
  select ?1, ?2, ?3, ?4, ?5, ?6
  where (select count(*) from tls_results where day = ?1 and domain = ?2) < ${MOST_OF_DOMAIN}
  on conflict (day, domain, id) do update set sessions = tls_results.sessions + excluded.sessions`

/** Gives the sessions for which there was no room. */
const add = command('tlsResults.add', async (tx, counts: readonly Counted[]) => {
  const room = new Map<number, number>()
  let lost = 0
  for (const { day, domain, id, details, failed, sessions } of counts) {
    if ((await tx.run(MORE, [day, domain, id, sessions])) === 1) continue
    const left = room.get(day) ?? MOST_OF_DAY - ((await tx.get(HELD, [day]))?.rows ?? 0)
    const made = left > 0 ? await tx.run(FIRST, [day, domain, id, details, failed, sessions]) : 0
    room.set(day, left - made)
    if (made === 0) lost += sessions
  }
  return lost
})

const claim = command('tlsResults.claim', async (tx, { day, domain, now, leaseMs }: TlsClaim) => {
  const taken = await tx.run(
    `insert into tls_reports (day, domain, claimed_at, sent_to) values (?1, ?2, ?3, null)
     on conflict (day, domain) do update set claimed_at = excluded.claimed_at
     where tls_reports.sent_to is null and tls_reports.claimed_at <= ?4`,
    [day, domain, now, now - leaseMs],
  )
  return taken === 1
})

const reported = command(
  'tlsResults.reported',
  async (tx, { day, domain, sentTo }: { day: number; domain: string; sentTo: string }) => {
    await tx.run(
      `insert into tls_reports (day, domain, claimed_at, sent_to) values (?1, ?2, 0, ?3)
       on conflict (day, domain) do update set sent_to = excluded.sent_to`,
      [day, domain, sentTo],
    )
  },
)

const removeBefore = command('tlsResults.removeBefore', async (tx, { day }: { day: number }) => {
  const removed = await tx.run(
    `delete from tls_results where (day, domain, id) in
       (select day, domain, id from tls_results where day < ?1 order by day, domain, id limit ${REMOVED_AT_ONCE})`,
    [day],
  )
  const reports = await tx.run(
    `delete from tls_reports where (day, domain) in
       (select day, domain from tls_reports where day < ?1 order by day, domain limit ${REMOVED_AT_ONCE})`,
    [day],
  )
  return removed === REMOVED_AT_ONCE || reports === REMOVED_AT_ONCE
})

export const tlsResultCommands = [add, claim, reported, removeBefore]

const DOMAINS = query(
  `select counted.domain, successes, failures, sent_to as "sentTo"
   from (select day, domain, sum(case when failed = 0 then sessions else 0 end) as successes,
           sum(case when failed = 0 then 0 else sessions end) as failures
         from tls_results where day = ?1 and domain > ?2 group by day, domain order by domain limit ?3) as counted
   left join tls_reports on tls_reports.day = counted.day and tls_reports.domain = counted.domain
   order by counted.domain`,
  row({ domain: text, successes: integer, failures: integer, sentTo: nullable(json<readonly string[]>()) }),
)
const FIND = query(
  `select details, sessions from tls_results where day = ?1 and domain = ?2 order by id`,
  row({ details: json<TlsDetails>(), sessions: integer }),
)
const UNREPORTED = query(
  `select domain from tls_results where day = ?1 and domain > ?2 and not exists
     (select 1 from tls_reports where day = ?1 and tls_reports.domain = tls_results.domain and sent_to is not null)
   group by domain order by domain limit ?3`,
  row({ domain: text }),
)

export function tlsResultStore(db: Db): TlsResultStore {
  return {
    async add(counts) {
      // All write in one order, so that two nodes never wait for one another.
      const ordered = counts.map(countedOf).toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
      return db.write(add, ordered)
    },
    async domains(day, { after = '', limit }) {
      const found = await db.all(DOMAINS, [day, after, limit])
      return found.map(({ sentTo, ...counts }) => ({ ...counts, sentTo: sentTo ?? undefined }))
    },
    async find(day, domain) {
      const found = await db.all(FIND, [day, domain])
      return found.map(({ details, sessions }) => ({ ...details, day, domain, sessions }))
    },
    async unreported(day, { after = '', limit }) {
      return (await db.all(UNREPORTED, [day, after, limit])).map(({ domain }) => domain)
    },
    claim: (taken) => db.write(claim, taken),
    reported: (day, domain, sentTo) => db.write(reported, { day, domain, sentTo: JSON.stringify(sentTo) }),
    removeBefore: (day) => db.write(removeBefore, { day }),
  }
}

function countedOf({ day, domain, policy, failure, sessions }: TlsCount): Counted {
  const details = JSON.stringify({ policy, failure })
  const id = hash('sha256', details, 'base64url').slice(0, 22)
  return { day, domain, id, details, failed: failure === null ? 0 : 1, sessions }
}

function orderOf({ day, domain, id }: Added): string {
  return `${String(day).padStart(8, '0')} ${domain} ${id}`
}
