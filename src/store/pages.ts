/** Pages of a listing in the order of a key. */
import type { Page, PageRequest } from './types.ts'

/** How many rows to ask for: one more than fits the page tells whether there is a next one. */
export function rowsFor(page: PageRequest): number {
  return page.limit + 1
}

/** Cuts the rows that were asked for by {@link rowsFor} into a page. */
export function pageOf<T>(rows: readonly T[], page: PageRequest, key: (item: T) => string): Page<T> {
  if (rows.length <= page.limit) return { items: rows, next: undefined }
  const items = rows.slice(0, page.limit)
  const last = items.at(-1)
  return { items, next: last === undefined ? undefined : key(last) }
}
