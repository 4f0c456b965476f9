/** How a setting is read from text: each kind of value, its description in the docs, and what is wrong with a bad one. */
import { isIP } from 'node:net'
import type { Clamav } from './config.ts'

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string }

/** `shape` is what stands for the value in help and docs: `PORT`, `true|false`. Errors complete the sentence "`x` …". */
export type Kind<T> = {
  readonly shape: string
  parse(text: string): Parsed<T>
  /** As the user would write it. */
  print(value: T): string
}

const good = <T>(value: T): Parsed<T> => ({ ok: true, value })
const bad = (error: string): Parsed<never> => ({ ok: false, error })

export const flag: Kind<boolean> = {
  shape: 'true|false',
  parse: (text) => (text === 'true' ? good(true) : text === 'false' ? good(false) : bad('is neither true nor false')),
  print: String,
}

/** A whole number from `least` to `most`. */
export function whole(shape: string, least: number, most: number): Kind<number> {
  return {
    shape,
    parse(text) {
      const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      return value >= least && value <= most ? good(value) : bad(`is not a whole number from ${least} to ${most}`)
    },
    print: String,
  }
}

export const port: Kind<number> = whole('PORT', 0, 65_535)

/** A number above 0, fractions allowed. */
export const rate: Kind<number> = {
  shape: 'NUMBER',
  parse(text) {
    const value = /^\d{1,9}(?:\.\d{1,6})?$/.test(text) ? Number(text) : 0
    return value > 0 ? good(value) : bad('is not a number above 0')
  },
  print: String,
}

/** One of `names`. */
export function choice<const T extends string>(names: readonly T[]): Kind<T> {
  return {
    shape: names.join('|'),
    parse(text) {
      const found = names.find((name) => name === text)
      return found === undefined ? bad(`is not one of ${names.join(', ')}`) : good(found)
    },
    print: String,
  }
}

/** Some of `names`, at least one, with commas between. */
export function subset<const T extends string>(names: readonly T[]): Kind<ReadonlySet<T>> {
  const one = choice(names)
  return {
    shape: names.join(','),
    parse(text) {
      const found = new Set<T>()
      for (const word of text.split(',')) {
        const name = one.parse(word.trim())
        if (!name.ok) return bad(`: ${JSON.stringify(word.trim())} ${name.error}`)
        found.add(name.value)
      }
      return good(found)
    },
    print: (value) => [...value].join(','),
  }
}

/** Any text that is not empty and holds no control character. */
export function printable(shape: string): Kind<string> {
  return {
    shape,
    parse: (value) => (isPrintable(value) ? good(value) : bad('is empty or not printable')),
    print: String,
  }
}

/** As `kind`, or nothing. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return { ...kind, print: (value) => (value === undefined ? '' : kind.print(value)) }
}

export const accountId: Kind<string> = {
  shape: 'ID',
  parse: (value) => (/^\d{12}$/.test(value) ? good(value) : bad('is not an AWS account id: 12 digits')),
  print: String,
}

/** A name as EHLO and DNS take it (RFC 1123 §2.1), in lower case. */
export const hostname: Kind<string> = {
  shape: 'NAME',
  parse(value) {
    const labels = value.split('.')
    const fits =
      value.length <= 253 && labels.every((label) => /^[a-z0-9_-]{1,63}$/i.test(label) && !/^-|-$/.test(label))
    return fits ? good(value.toLowerCase()) : bad('is not a host name')
  },
  print: String,
}

/** Where to listen: an IP address or a name of this machine. */
export const host: Kind<string> = {
  shape: 'ADDRESS',
  parse(value) {
    const bare = value.startsWith('[') && value.endsWith(']') ? value.slice(1, -1) : value
    return isIP(bare) > 0 ? good(bare) : hostname.parse(value).ok ? good(value) : bad('is not an address')
  },
  print: String,
}

/** `SERVER[:PORT]`, the server by its IP address, IPv6 in brackets when a port follows. `localhost` is taken too. */
export const server: Kind<string> = {
  shape: 'SERVER[:PORT]',
  parse(value) {
    if (isIP(value) > 0) return good(value)
    const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(value) ?? []
    const address = plain === 'localhost' ? '127.0.0.1' : (bracketed ?? plain ?? '')
    const family = isIP(address)
    if (family === 0 || (portText !== undefined && !port.parse(portText).ok)) {
      return bad('is not the IP address of a DNS server, with or without a port')
    }
    const written = family === 6 ? `[${address}]` : address
    return good(portText === undefined ? address : `${written}:${portText}`)
  },
  print: String,
}

/** An http or https URL, without its final slash. */
export const url: Kind<string> = {
  shape: 'URL',
  parse(value) {
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    if (!parsed || !/^https?:$/.test(parsed.protocol)) return bad('is not an http or https URL')
    if (parsed.search || parsed.hash || parsed.username) return bad('has parts besides scheme, host, port and path')
    return good(parsed.href.replace(/\/+$/, ''))
  },
  print: String,
}

/** `HOST:PORT` (IPv6 in brackets), or the path of a Unix socket. */
export const clamav: Kind<Clamav> = {
  shape: 'HOST:PORT|/SOCKET',
  parse(value) {
    if (value.startsWith('/') && isPrintable(value)) return good({ address: value, port: 0 })
    const [, bracketed, plain = '', portText = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(value) ?? []
    const isName = bracketed === undefined ? hostname.parse(plain).ok : isIP(bracketed) === 6
    if (!isName || !port.parse(portText).ok || Number(portText) === 0)
      return bad('is neither HOST:PORT nor the path of a socket')
    return good({ address: bracketed ?? plain, port: Number(portText) })
  },
  print: ({ address, port: at }) =>
    at === 0 ? address : isIP(address) === 6 ? `[${address}]:${at}` : `${address}:${at}`,
}

/** Origins (`https://app.example.com`) with commas between, or `*`. */
export const origins: Kind<readonly string[]> = {
  shape: 'ORIGIN,…',
  parse(value) {
    const words = value
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '')
    const wrong = words.find((word) => word !== '*' && !(URL.canParse(word) && new URL(word).origin === word))
    return wrong === undefined ? good(Object.freeze(words)) : bad(`: ${JSON.stringify(wrong)} is not an origin`)
  },
  print: (value) => value.join(','),
}

/** IP addresses. */
export const addresses: Kind<readonly string[]> = {
  shape: 'IP,…',
  parse(value) {
    const words = value
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '')
    const wrong = words.find((word) => isIP(word) === 0 || word.includes('%'))
    return wrong === undefined ? good(Object.freeze(words)) : bad(`: ${JSON.stringify(wrong)} is not an IP address`)
  },
  print: (value) => value.join(','),
}

/** `sqlite:PATH` (in the data directory, unless it is absolute) or a `postgres://` URL. */
export const database: Kind<string> = {
  shape: 'URL',
  parse(value) {
    const known = /^sqlite:[^\0]+$/.test(value) || (/^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value))
    return known ? good(value) : bad('is neither sqlite:FILE nor postgres://…')
  },
  print: String,
}

/** A bearer token: visible ASCII, as RFC 6750 §2.1 has it. */
export const token: Kind<string> = {
  shape: 'TOKEN',
  parse: (value) => (/^[A-Za-z0-9._~+/-]+=*$/.test(value) ? good(value) : bad('is not a bearer token (RFC 6750)')),
  print: () => '…',
}

function isPrintable(value: string): boolean {
  return value !== '' && !/\p{Cc}/u.test(value)
}
