/** SES's receiving endpoint, where MX records point (SES guide, "Email receiving"): no AUTH, recipients asked for one by one. */
import type { SecureContext } from 'node:tls'
import type { Clock, Log, Random } from '../platform/platform.ts'
import { Dialogue } from './dialogue.ts'
import { createListener, type Listener, type SmtpConfig } from './listener.ts'

/** One message as received. `mailFrom` is empty for the null sender. */
export type ReceivedMail = {
  readonly mailFrom: string
  readonly recipients: readonly string[]
  readonly data: Buffer
  readonly sourceIp: string
  readonly tlsVersion: string | null
  readonly requestId: string
  readonly heloName: string
}

export type InboundDeps = {
  readonly config: SmtpConfig
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  secureContext(): SecureContext
  /** Whether mail for this address is taken; else 550 5.1.1. Throws where that cannot be found out now: 451. */
  accept(recipient: string): Promise<boolean>
  /** Settles when the mail is dealt with for good: 250 follows. Throws SesError. */
  receive(mail: ReceivedMail): Promise<void>
}

/** The MX server. STARTTLS is offered, never asked for. */
export function createInboundServer(deps: InboundDeps): Listener {
  const { config, clock, random, log } = deps
  return createListener({
    config,
    clock,
    random,
    log,
    secureContext: () => deps.secureContext(),
    isTlsFromStart: false,
    dialogue: ({ ip: sourceIp, tlsVersion }) =>
      new Dialogue({
        hostname: config.hostname,
        backend: {
          login: null,
          accepts: (address) => deps.accept(address),
          async anonymous(envelope) {
            const requestId = random.uuid()
            await deps.receive({ ...envelope, sourceIp, tlsVersion, requestId })
            return `OK ${requestId}`
          },
        },
        isSecure: tlsVersion !== null,
        requireTls: false,
        maxMessageBytes: config.limits.messageBytes,
        maxErrors: config.limits.smtpErrors,
        log,
      }),
  })
}
