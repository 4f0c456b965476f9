/**
 * What a write changed, told to whoever keeps a copy: the caches of this process, and those of the other nodes. Only
 * of what changes seldom: messages, jobs and counters are told to nobody.
 */
import type { Log } from '../platform/platform.ts'
import type { Command, Db } from './db.ts'

/** What is told of. `all`: everything. */
export const KINDS = [
  'all',
  'accounts',
  'keys',
  'settings',
  'identities',
  'policies',
  'configurationSets',
  'suppressions',
  'suspensions',
] as const
export type ChangeKind = (typeof KINDS)[number]

/** What may read differently from now on. A member that is absent stands for any; `all`: everything. */
export type Change = {
  readonly kind: ChangeKind
  readonly account?: string | undefined
  readonly region?: string | undefined
  /** Of a key its id, of a policy the name of its identity. */
  readonly name?: string | undefined
}

/** Everything: after a gap in which changes may have gone unheard. */
export const EVERYTHING: readonly Change[] = [{ kind: 'all' }]

export type ChangeListener = (changes: readonly Change[]) => void

export type Announcements = {
  /** Tells all listeners, at once. Never throws. */
  readonly tell: ChangeListener
  /** `listener` hears of changes until the returned function is called. It may hear of one more than once. */
  readonly onChange: (listener: ChangeListener) => () => void
}

export function createAnnouncements(log: Log): Announcements {
  const listeners = new Set<ChangeListener>()
  return {
    tell(changes) {
      for (const listener of listeners) {
        try {
          listener(changes)
        } catch (error) {
          log.error('a listener to changes of the store failed', { error })
        }
      }
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/**
 * A database whose writes tell what they changed: after the commit, and before the caller goes on. Writes that failed
 * tell it too, since some of them were committed before the connection broke.
 */
export function announcing(db: Db, tell: ChangeListener): Db {
  async function writeAndTell<P, R>(command: Changing<P, R>, payload: P, data?: Uint8Array): Promise<R> {
    try {
      return await db.write(command, payload, data)
    } finally {
      tell(command.changes(payload))
    }
  }
  return {
    ...db,
    write: (command, payload, data) =>
      hasChanges(command) ? writeAndTell(command, payload, data) : db.write(command, payload, data),
  }
}

type Changing<P, R> = Command<P, R> & { readonly changes: (payload: P) => readonly Change[] }

function hasChanges<P, R>(command: Command<P, R>): command is Changing<P, R> {
  return command.changes !== undefined
}

// PostgreSQL's notices are shorter than 8,000 octets (NOTIFY, “payload”).
const LONGEST_NOTICE = 7_900

/** Changes as the text of one notice: each once, and only their kinds where all would be too long. */
export function encodeChanges(changes: readonly Change[]): string {
  const text = JSON.stringify(distinct(changes.map(({ kind, account, region, name }) => [kind, account, region, name])))
  if (Buffer.byteLength(text) <= LONGEST_NOTICE) return text
  return JSON.stringify(distinct(changes.map(({ kind }) => [kind])))
}

function distinct<T>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}

/** What a notice tells. One in the words of another version, or of nobody we know: everything. */
export function decodeChanges(text: string): readonly Change[] {
  try {
    const told: unknown = JSON.parse(text)
    return Array.isArray(told) ? told.map(decodeChange) : EVERYTHING
  } catch {
    return EVERYTHING
  }
}

function decodeChange(told: unknown): Change {
  if (!Array.isArray(told)) return { kind: 'all' }
  const members: readonly unknown[] = told
  const kind = KINDS.find((known) => known === members[0])
  if (kind === undefined) return { kind: 'all' }
  const [account, region, name] = members.slice(1).map((member) => (typeof member === 'string' ? member : undefined))
  return { kind, account, region, name }
}
