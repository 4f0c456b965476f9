/** Removing messages, all that hangs on them in one statement. */
import { query } from '../db.ts'
import { remove } from '../removal.ts'
import type { Removal } from '../removal.ts'
import { integer, row } from '../rows.ts'
import { textArray } from './arrays.ts'
import type { Together } from './statement.ts'

/** `$4`: the day of all. `$5`: with their jobs. */
const REMOVE = query(
  `with given as materialized (
     select * from unnest($1::text[], $2::text[], $3::text[]) as given (account, region, id)
   ), gone as (
     delete from messages using given
     where messages.day = $4::integer and messages.account = given.account and messages.region = given.region
       and messages.id = given.id
     returning messages.account, messages.region, messages.id, messages.seq, messages.stored, messages.pieces
   ), bodies_out as (
     delete from bodies using gone where day = $4::integer and bodies.account = gone.account and bodies.seq = gone.seq
   ), loosened as (
     insert into loose_bodies (account, region, message_id, day, since)
     select account, region, id, $4::integer, 0 from gone where pieces > 0
   ), recipients_out as (
     delete from recipients using gone
     where day = $4::integer and recipients.account = gone.account and recipients.region = gone.region and message_id = id
   ), events_out as (
     delete from events using gone
     where day = $4::integer and events.account = gone.account and events.region = gone.region and message_id = id
   ), attempts_out as (
     delete from attempts using gone
     where day = $4::integer and attempts.account = gone.account and attempts.region = gone.region and message_id = id
   ), jobs_out as (
     delete from jobs using gone
     where $5::integer = 1 and jobs.account = gone.account and jobs.region = gone.region and message_id = gone.id
   ), counted as (
     insert into held_changes (account, region, day, messages, bytes)
     select account, region, $4::integer, -count(*), -sum(stored) from gone group by account, region
   )
   select count(*) as removed from gone`,
  row({ removed: integer }),
)

export const removeTogether: Together<Removal, number> = {
  name: remove.name,
  // Each in a statement of its own: they are large already.
  key: () => '',
  async run(tx, removals) {
    const results: number[] = []
    for (const { day, messages, withJobs } of removals) {
      const removed = await tx.get(REMOVE, [
        textArray(messages.map(({ scope }) => scope.account)),
        textArray(messages.map(({ scope }) => scope.region)),
        textArray(messages.map(({ messageId }) => messageId)),
        day,
        withJobs ? 1 : 0,
      ])
      results.push(removed?.removed ?? 0)
    }
    return results
  },
}
