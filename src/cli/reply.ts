/** Reading what a server answered. */

export type Reply = { readonly status: number; readonly body: unknown }

/** JSON, or the text itself where it is none. */
export function parseReply(text: string): unknown {
  try {
    const value: unknown = text === '' ? null : JSON.parse(text)
    return value
  } catch {
    return text
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member's text, or nothing. */
export function textIn(value: unknown, name: string): string {
  const member = isRecord(value) ? value[name] : undefined
  return typeof member === 'string' ? member : ''
}

/** The records in the member's list. */
export function recordsIn(value: unknown, name: string): readonly Readonly<Record<string, unknown>>[] {
  const member = isRecord(value) ? value[name] : undefined
  return Array.isArray(member) ? member.filter(isRecord) : []
}

/** Lines of two columns, the first as wide as it needs to be. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('')
}
