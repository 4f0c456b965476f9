/** Quoted strings and comments of structured header fields (RFC 5322 §3.2.2, §3.2.4). */

/** Position of the quotation mark that closes the one at `open`, or −1. */
export function endOfQuoted(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x5c) i++
    else if (c === 0x22) return i
  }
  return -1
}

/** Position of the parenthesis that closes the one at `open`, or −1. Comments nest (RFC 5322 §3.2.2). */
export function endOfComment(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x5c) i++
    else if (c === 0x28) depth++
    else if (c === 0x29 && --depth === 0) return i
  }
  return -1
}

/** `\x` becomes `x`. */
export function unescape(text: string): string {
  return text.includes('\\') ? text.replace(/\\([\s\S])/g, '$1') : text
}
