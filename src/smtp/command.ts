/** Command lines taken apart (RFC 5321 §4.1.1): verb and argument, path and parameters. */
import { type Mailbox, parsePath } from '../message/addresses.ts'

export type Command = { readonly verb: string; readonly argument: string }

/** Splits `MAIL FROM:<a@b>` into `MAIL` (upper-cased) and the rest, trimmed. */
export function parseCommand(line: string): Command {
  const space = line.indexOf(' ')
  if (space < 0) return { verb: line.toUpperCase(), argument: '' }
  return { verb: line.slice(0, space).toUpperCase(), argument: line.slice(space + 1).trim() }
}

export type Path = {
  /** null: the null sender `<>`; undefined: not an address. */
  readonly mailbox: Mailbox | null | undefined
  /** Keyword, upper-cased, to value; null: keyword alone. undefined: not of the form of RFC 5321 §4.1.2 esmtp-param. */
  readonly parameters: ReadonlyMap<string, string | null> | undefined
}

const MAX_PARAMETERS = 16
const PARAMETER = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?$/

/** Reads the argument of MAIL (`prefix` `FROM:`) or RCPT (`TO:`). undefined: the prefix is not there. */
export function parsePathArgument(argument: string, prefix: 'FROM:' | 'TO:'): Path | undefined {
  if (argument.slice(0, prefix.length).toUpperCase() !== prefix) return undefined
  const text = argument.slice(prefix.length).trim()
  const end = endOfPath(text)
  const tail = text.slice(end)
  const isSeparated = tail === '' || tail.startsWith(' ')
  return { mailbox: isSeparated ? parsePath(text.slice(0, end)) : undefined, parameters: parseParameters(tail) }
}

/** Where the path ends: behind the `>` that is not in a quoted local part; without brackets, at the first space. */
function endOfPath(text: string): number {
  if (!text.startsWith('<')) {
    const space = text.indexOf(' ')
    return space < 0 ? text.length : space
  }
  let isQuoted = false
  for (let i = 1; i < text.length; i++) {
    const character = text[i]
    if (character === '"') isQuoted = !isQuoted
    else if (character === '\\' && isQuoted) i++
    else if (character === '>' && !isQuoted) return i + 1
  }
  return text.length
}

function parseParameters(tail: string): ReadonlyMap<string, string | null> | undefined {
  const parameters = new Map<string, string | null>()
  for (const word of tail.split(' ')) {
    if (word === '') continue
    const match = PARAMETER.exec(word)
    const keyword = match?.[1]?.toUpperCase()
    if (keyword === undefined || parameters.has(keyword) || parameters.size >= MAX_PARAMETERS) return undefined
    parameters.set(keyword, match?.[2] ?? null)
  }
  return parameters
}
