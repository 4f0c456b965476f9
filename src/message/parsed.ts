/** The result of reading something that others wrote: a value, or the words that SES would say. */

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string }

/** A result that could be read. */
export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value }
}

/** A result that could not be read; `error` is what the caller of SES gets to see. */
export function unparsed(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error }
}
