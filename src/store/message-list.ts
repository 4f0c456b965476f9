/** Listing messages, newest first, by what is in their envelope and subject. */
import { setImmediate } from 'node:timers/promises'
import { query } from './db.ts'
import type { Db, Value } from './db.ts'
import { integer, json, nullable, row, text } from './rows.ts'
import type { Row } from './rows.ts'
import type { MessagePage, MessagePageRequest } from './store.ts'
import type { Message, MessageFilter, StoredMessage } from './types.ts'

/** Rows that one query looks through: some milliseconds, after which others have their turn. */
const WINDOW_ROWS = 2_000

/** Rows that are in memory before they are looked at. */
const CHUNK_ROWS = 100
/** What is known of some ten thousand ordinary messages, or of some hundred with headers as long as they may be. */
const MOST_BYTES = 16 * 1024 * 1024

const columns = row({ seq: integer, account: text, region: text, document: text })

export const MESSAGE_COLUMNS = 'seq, account, region, document'

export function storedMessage(raw: Row): StoredMessage {
  return sizedMessage(raw).stored
}

type Sized = { readonly stored: StoredMessage; readonly bytes: number }

function sizedMessage(raw: Row): Sized {
  const { seq, account, region, document } = columns(raw)
  const message = documentOf(document, 'document')
  return { stored: { seq, scope: { account, region }, message }, bytes: document.length }
}

const documentOf = json<Message>()

const WINDOW_START = query(
  `select min(seq) as "start" from
     (select seq from messages where seq < ?1 and seq > ?2 order by seq desc limit ${WINDOW_ROWS}) as newest`,
  row({ start: nullable(integer) }),
)

/** See {@link MessageStore.page}. */
export async function pageOfMessages(db: Db, filter: MessageFilter, page: MessagePageRequest): Promise<MessagePage> {
  const messages: StoredMessage[] = []
  let room = MOST_BYTES
  const rows = Math.min(CHUNK_ROWS, page.limit + 1)
  for await (const { stored, bytes } of matching(db, filter, page.before ?? Number.MAX_SAFE_INTEGER, rows)) {
    room -= bytes
    const isFull = messages.length >= page.limit || (room < 0 && messages.length > 0)
    if (isFull) return { messages, next: messages.at(-1)?.seq }
    messages.push(stored)
  }
  return { messages, next: undefined }
}

/** All that match, from the newest back, `rows` at a time. */
async function* matching(db: Db, filter: MessageFilter, before: number, rows: number): AsyncGenerator<Sized> {
  const [conditions, searched] = conditionsOf(filter)
  const listed = query(
    `select ${MESSAGE_COLUMNS} from messages where seq < ?1 and seq > ?2 ${conditions} order by seq desc limit ?3`,
    sizedMessage,
  )
  const afterSeq = filter.afterSeq ?? 0
  for (let top = before; ;) {
    const bottom = searched.length === 0 ? afterSeq : await windowBelow(db, top, afterSeq)
    if (bottom === undefined) return
    for (let behind = top; ;) {
      const chunk = await db.all(listed, [behind, bottom, rows, ...searched])
      yield* chunk
      behind = chunk.at(-1)?.stored.seq ?? bottom
      if (chunk.length < rows) break
    }
    if (searched.length === 0) return
    top = bottom + 1
    // A search looks through many rows: others have their turn in between.
    await setImmediate()
  }
}

/** Where the window ends that goes down from `top`; undefined when there is nothing below. */
async function windowBelow(db: Db, top: number, afterSeq: number): Promise<number | undefined> {
  const start = (await db.get(WINDOW_START, [top, afterSeq]))?.start ?? null
  return start === null ? undefined : start - 1
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
