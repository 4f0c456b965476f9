/** Listing messages, newest first, by what is in their envelope and subject. */
import { setImmediate } from 'node:timers/promises'
import { query } from './db.ts'
import type { Db, Value } from './db.ts'
import { integer, json, nullable, row, text } from './rows.ts'
import type { Row } from './rows.ts'
import type { MessageStore } from './store.ts'
import type { Message, MessageFilter, StoredMessage } from './types.ts'

/** Rows that one query looks through: some milliseconds, after which others have their turn. */
const WINDOW_ROWS = 2_000

const columns = row({ seq: integer, account: text, region: text, document: json<Message>() })

export const MESSAGE_COLUMNS = 'seq, account, region, document'

export function storedMessage(raw: Row): StoredMessage {
  const { seq, account, region, document } = columns(raw)
  return { seq, scope: { account, region }, message: document }
}

const WINDOW_START = query(
  `select min(seq) as "start" from
     (select seq from messages where seq < ?1 and seq > ?2 order by seq desc limit ${WINDOW_ROWS}) as newest`,
  row({ start: nullable(integer) }),
)

/** See {@link MessageStore.list}. Searches window by window, and lets the event loop turn in between. */
export async function listMessages(
  db: Db,
  filter: MessageFilter,
  page: Parameters<MessageStore['list']>[1],
): Promise<readonly StoredMessage[]> {
  const [conditions, searched] = conditionsOf(filter)
  const listed = query(
    `select ${MESSAGE_COLUMNS} from messages where seq < ?1 and seq > ?2 ${conditions} order by seq desc limit ?3`,
    storedMessage,
  )
  const afterSeq = filter.afterSeq ?? 0
  let before = page.before ?? Number.MAX_SAFE_INTEGER
  if (searched.length === 0) return db.all(listed, [before, afterSeq, page.limit])
  const found: StoredMessage[] = []
  for (;;) {
    const start = (await db.get(WINDOW_START, [before, afterSeq]))?.start ?? null
    if (start === null) return found
    found.push(...(await db.all(listed, [before, start - 1, page.limit - found.length, ...searched])))
    if (found.length >= page.limit) return found
    before = start
    await setImmediate()
  }
}

/** What a filter asks of a row, with the values from ?4 on. There are as many texts as sets of conditions: 64. */
function conditionsOf(filter: MessageFilter): [text: string, values: readonly Value[]] {
  const conditions: readonly (readonly [condition: string, value: Value | undefined])[] = [
    ['account =', filter.account],
    ['region =', filter.region],
    ['accepted_at >=', filter.since],
    ['recipients_search like', part(filter.to)],
    ['sender_search like', part(filter.from)],
    ['subject_search like', part(filter.subject)],
  ]
  const values: Value[] = []
  const texts: string[] = []
  for (const [condition, value] of conditions) {
    if (value === undefined) continue
    values.push(value)
    texts.push(`and ${condition} ?${values.length + 3}${condition.endsWith('like') ? ` escape '\\'` : ''}`)
  }
  return [texts.join(' '), values]
}

/** A LIKE pattern for text that has `needle` somewhere in it. */
function part(needle: string | undefined): string | undefined {
  return needle === undefined ? undefined : `%${needle.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
}
