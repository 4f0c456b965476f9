/**
 * AUTH PLAIN (RFC 4616) and LOGIN as exchanges of base64 lines (RFC 4954 §4).
 *
 *   PLAIN: [334 Ok] response = authzid NUL user NUL password
 *   LOGIN: [334 Username:] user, 334 Password: password
 */
import { AUTH_CANCELLED, AUTH_NOT_BASE64, AUTH_NOT_PLAIN, BAD_CREDENTIALS, reply } from './replies.ts'

/** The exchange goes on with a challenge, or is over: with credentials, or with a refusal. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly reply: string; readonly answer: (line: string) => SaslStep }
  | { readonly kind: 'credentials'; readonly user: string; readonly password: string }
  | { readonly kind: 'refused'; readonly reply: string }

const CHALLENGE_PLAIN = reply(334, 'Ok')
const CHALLENGE_USER = reply(334, Buffer.from('Username:').toString('base64'))
const CHALLENGE_PASSWORD = reply(334, Buffer.from('Password:').toString('base64'))

/** Begins an exchange. `initial` is the initial response as sent (`=` is an empty one, RFC 4954 §4), null where there is none. undefined: no such mechanism. */
export function startSasl(mechanism: string, initial: string | null): SaslStep | undefined {
  const first = initial === '=' ? '' : initial
  if (mechanism === 'PLAIN') {
    return first === null ? { kind: 'challenge', reply: CHALLENGE_PLAIN, answer: plain } : plain(first)
  }
  if (mechanism === 'LOGIN') {
    return first === null ? { kind: 'challenge', reply: CHALLENGE_USER, answer: loginUser } : loginUser(first)
  }
  return undefined
}

function plain(line: string): SaslStep {
  return decoded(line, (text) => {
    const [authorization, user, password, ...rest] = text.split('\0')
    if (authorization === undefined || user === undefined || password === undefined || rest.length > 0) {
      return { kind: 'refused', reply: AUTH_NOT_PLAIN }
    }
    // Acting for somebody else (RFC 4616 §2) is nothing that SES has.
    if (authorization !== '' && authorization !== user) return { kind: 'refused', reply: BAD_CREDENTIALS }
    return { kind: 'credentials', user, password }
  })
}

function loginUser(line: string): SaslStep {
  return decoded(line, (user) => ({
    kind: 'challenge',
    reply: CHALLENGE_PASSWORD,
    answer: (answer) => decoded(answer, (password) => ({ kind: 'credentials', user, password })),
  }))
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

function decoded(line: string, next: (text: string) => SaslStep): SaslStep {
  if (line === '*') return { kind: 'refused', reply: AUTH_CANCELLED }
  if (line.length % 4 !== 0 || !BASE64.test(line)) return { kind: 'refused', reply: AUTH_NOT_BASE64 }
  return next(Buffer.from(line, 'base64').toString('utf8'))
}
