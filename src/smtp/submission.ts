/** SES's SMTP interface for senders (SES guide, "Using the Amazon SES SMTP interface"): AUTH, then mail into the pipeline. */
import type { SecureContext } from 'node:tls'
import type { Clock, Log, Random } from '../platform/platform.ts'
import { endOfTurn } from '../platform/turn.ts'
import type { Peer } from './connection.ts'
import { Dialogue, type Take } from './dialogue.ts'
import { FailedLogins } from './failed-logins.ts'
import { createListener, type Listener, type SmtpConfig } from './listener.ts'

/** Who has logged in, and the region that the password was made for. */
export type Session<P> = { readonly principal: P; readonly region: string }

/** One message as submitted. `recipients` and `mailFrom` are addr-specs, as the client wrote them. */
export type SubmittedMail<P> = {
  readonly session: Session<P>
  readonly mailFrom: string
  readonly recipients: readonly string[]
  readonly data: Buffer
  readonly sourceIp: string
  readonly tlsVersion: string | null
  readonly requestId: string
  readonly heloName: string
}

export type SmtpDeps<P> = {
  readonly config: SmtpConfig
  /** Real time. */
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The certificate of the moment. */
  secureContext(): SecureContext
  authenticate(user: string, password: string): Promise<Session<P> | 'invalid' | 'not-subscribed' | 'temporary'>
  /** Throws SesError. */
  submit(mail: SubmittedMail<P>): Promise<{ messageId: string }>
}

/** A submission server: `starttls` begins in the clear (587, 2587), `tls` with a handshake (465, 2465). */
export function createSubmissionServer<P>(deps: SmtpDeps<P>, mode: 'starttls' | 'tls'): Listener {
  const { config, clock, random, log } = deps
  const failedLogins = new FailedLogins(clock)

  async function login(peer: Peer, user: string, password: string) {
    if (failedLogins.isBlocked(peer.ip, user)) return 'temporary'
    const session = await deps.authenticate(user, password)
    if (session === 'invalid') {
      failedLogins.failed(peer.ip, user)
      log.info('smtp login refused', { ip: peer.ip, accessKeyId: user.slice(0, 128) })
    }
    if (typeof session === 'string') return session
    failedLogins.succeeded(peer.ip, user)
    return taking(peer, session)
  }

  function taking(peer: Peer, session: Session<P>): Take {
    return async ({ mailFrom, recipients, data, heloName }) => {
      await endOfTurn()
      const { ip: sourceIp, tlsVersion } = peer
      const requestId = random.uuid()
      const mail = { session, mailFrom, recipients, data, sourceIp, tlsVersion, requestId, heloName }
      return `Ok ${(await deps.submit(mail)).messageId}`
    }
  }

  return createListener({
    config,
    clock,
    random,
    log,
    secureContext: () => deps.secureContext(),
    isTlsFromStart: mode === 'tls',
    dialogue: (peer) =>
      new Dialogue({
        hostname: config.hostname,
        backend: { login: (user, password) => login(peer, user, password), anonymous: null, accepts: null },
        isSecure: peer.tlsVersion !== null,
        requireTls: config.requireTls,
        maxMessageBytes: config.limits.messageBytes,
        maxErrors: config.limits.smtpErrors,
        log,
      }),
  })
}
