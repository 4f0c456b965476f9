/** The SMTP room alone: listeners before stubs that remember what they were given. */
import type { SecureContext } from 'node:tls'
import { createSecureContext } from 'node:tls'
import { generate } from 'selfsigned'
import { defaultConfig } from '../../src/config/load.ts'
import type { Config, Limits } from '../../src/config/config.ts'
import { createLog } from '../../src/platform/log.ts'
import type { Clock } from '../../src/platform/platform.ts'
import { realClock } from '../../src/platform/clock.ts'
import { realRandom } from '../../src/platform/random.ts'
import { createInboundServer, type ReceivedMail } from '../../src/smtp/inbound.ts'
import type { Listener } from '../../src/smtp/listener.ts'
import { createSubmissionServer, type SmtpDeps, type SubmittedMail } from '../../src/smtp/submission.ts'
import { ending } from './ending.ts'

export const USER = 'AKIAIOSFODNN7EXAMPLE'
export const PASSWORD = 'BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9'
export const PLAIN = base64(`\0${USER}\0${PASSWORD}`)

export function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64')
}

/** Transcripts up to a login, and of a message up to its end; for connections in TLS from the start. */
export const HELLO = `
  S: 220 ses.example ESMTP SimpleEmailService-d-…
  C: EHLO client.example
  S: 250-ses.example
  S: 250-8BITMIME
  S: 250-PIPELINING
  S: 250-AUTH PLAIN LOGIN
  S: 250 Ok`
export const LOGIN = `${HELLO}
  C: AUTH PLAIN ${PLAIN}
  S: 235 Authentication successful.`
const ENVELOPE = `
  C: MAIL FROM:<ann@example.com>
  S: 250 Ok
  C: RCPT TO:<bob@example.com>
  S: 250 Ok`
export const MESSAGE = `${ENVELOPE}
  C: DATA
  S: 354 End data with <CR><LF>.<CR><LF>
  C: Subject: Hi
  C:
  C: Bob
  C: .`

/** What an attacker puts into a message, hoping that one server takes it for the end and the other does not. */
export const FALSE_ENDS = {
  'LF . LF': '\n.\n',
  'LF . CRLF': '\n.\r\n',
  'CRLF . LF': '\r\n.\n',
  'CR . CR': '\r.\r',
  'CR . CRLF': '\r.\r\n',
  'CRLF . CR': '\r\n.\r',
  'CR . LF': '\r.\n',
  'LF . CR': '\n.\r',
  'CR LF . CR CRLF': '\r\n.\r\r\n',
  'CR CRLF . CRLF': '\r\r\n.\r\n',
  'CR CRLF . CR CRLF': '\r\r\n.\r\r\n',
  'LF CR . CRLF': '\n\r.\r\n',
  'LF CRLF . CRLF': '\n\r\n.\r\n',
  'CRLF . CRLF after a lone LF': 'a\nb\r\n.\r\n',
  'CRLF . CRLF after a lone CR': 'a\rb\r\n.\r\n',
  'CRLF NUL . CRLF': '\r\n\0.\r\n',
  'CRLF . NUL CRLF': '\r\n.\0\r\n',
  'CR NUL LF . CRLF': '\r\0\n.\r\n',
  'CRLF . CR NUL LF': '\r\n.\r\0\n',
  'CRLF . space CRLF': '\r\n. \r\n',
  'NUL CRLF .. CRLF': '\0\r\n..\r\n',
  'CRLF .. CRLF': '\r\n..\r\n',
} as const

type Principal = { readonly accessKeyId: string }
export type Stubs = Partial<Pick<SmtpDeps<Principal>, 'authenticate' | 'submit' | 'secureContext'>> & {
  readonly clock?: Clock
  /** Any free one unless given. */
  readonly port?: number
  readonly config?: Partial<Omit<Config, 'limits'>> & { readonly limits?: Partial<Limits> }
}

let ownContext: Promise<SecureContext> | undefined

async function makeContext(): Promise<SecureContext> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
  return createSecureContext({ cert, key, minVersion: 'TLSv1.2' })
}

async function common(stubs: Stubs) {
  const defaults = defaultConfig('strict')
  const context = await (ownContext ??= makeContext())
  const logged: string[] = []
  const clock = stubs.clock ?? realClock()
  return {
    config: {
      ...defaults,
      hostname: 'ses.example',
      ...stubs.config,
      limits: { ...defaults.limits, ...stubs.config?.limits },
    },
    clock,
    random: realRandom(),
    log: createLog('debug', clock, (line) => void logged.push(line)),
    logged,
    secureContext: stubs.secureContext ?? (() => context),
  }
}

async function listening(listener: Listener, wanted = 0) {
  const { port } = await listener.listen('127.0.0.1', wanted)
  const close = ending(() => listener.close())
  return { port, close, [Symbol.asyncDispose]: close }
}

const authenticate: SmtpDeps<Principal>['authenticate'] = async (user, password) =>
  user === USER && password === PASSWORD ? { principal: { accessKeyId: user }, region: 'us-east-1' } : 'invalid'

/** A submission server that takes one user's mail; `mails` is what it took. */
export async function startSubmission(stubs: Stubs = {}, mode: 'starttls' | 'tls' = 'starttls') {
  const mails: SubmittedMail<Principal>[] = []
  const shared = await common(stubs)
  const submit = async () => ({ messageId: `0100018a2fd2c0a5-${mails.length}-000000` })
  const listener = createSubmissionServer<Principal>(
    {
      ...shared,
      authenticate: stubs.authenticate ?? authenticate,
      async submit(mail) {
        const result = await (stubs.submit ?? submit)(mail)
        mails.push(mail)
        return result
      },
    },
    mode,
  )
  return { ...(await listening(listener, stubs.port)), mails, logged: shared.logged }
}

/** An MX that takes mail for `…@in.example`. */
export async function startInbound(stubs: Stubs & { receive?: (mail: ReceivedMail) => Promise<void> } = {}) {
  const mails: ReceivedMail[] = []
  const shared = await common(stubs)
  const listener = createInboundServer({
    ...shared,
    accept: async (recipient) => recipient.endsWith('@in.example'),
    receive:
      stubs.receive ??
      (async (mail) => {
        mails.push(mail)
      }),
  })
  return { ...(await listening(listener, stubs.port)), mails, logged: shared.logged }
}
