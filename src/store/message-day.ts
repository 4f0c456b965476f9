/** The day that a message belongs to, read from its id: on PostgreSQL it names the partition. */

export const DAY_MS = 24 * 3_600_000
/** Four hex digits of the region, then the milliseconds since the epoch in twelve. */
const SES_ID = /^[0-9a-f]{16}-/

/**
 * Days since the epoch (UTC) of a MessageId as SES makes it; 0 for an id of another form. Whoever has the id has the
 * day, so that a look-up by id touches one partition.
 */
export function dayOf(messageId: string): number {
  return SES_ID.test(messageId) ? dayAt(Number.parseInt(messageId.slice(4, 16), 16)) : 0
}

/** The day of a time in milliseconds since the epoch. */
export function dayAt(ms: number): number {
  return Math.floor(ms / DAY_MS)
}
