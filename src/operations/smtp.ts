/** SMTP submission: what a session collected, handed to the one pipeline. SES takes it as a SendRawEmail with an envelope. */
import type { Principal, Services } from '../domain/context.ts'
import { send } from '../domain/sending/pipeline.ts'
import { NOTHING_GIVEN } from '../domain/sending/submission.ts'
import { type FaultHook, suffer } from './dispatch.ts'

export type SubmittedMail = {
  readonly session: { readonly principal: Principal; readonly region: string }
  /** Addr-specs, as in MAIL FROM and RCPT TO. */
  readonly mailFrom: string
  readonly recipients: readonly string[]
  readonly data: Uint8Array
  readonly sourceIp: string
  readonly tlsVersion: string | null
  readonly requestId: string
}

/** Gives the MessageId that goes into `250 Ok <MessageId>`, or throws the SesError that the reply tells. */
export function createSubmit(
  services: Services,
  faults: FaultHook,
): (mail: SubmittedMail) => Promise<{ messageId: string }> {
  return async (mail) => {
    const { principal, region } = mail.session
    const scope = { account: principal.account, region }
    const struck = faults.strike({ service: 'smtp', operation: 'SendRawEmail', ...scope })
    if (struck !== undefined) await suffer(services, struck)
    const { requestId, sourceIp, tlsVersion } = mail
    const caller = { scope, principal, surface: 'smtp', requestId, sourceIp, userAgent: '', tlsVersion } as const
    const messageId = await send(
      { ...services, caller },
      {
        ...NOTHING_GIVEN,
        surface: 'smtp',
        operation: 'SendSmtpEmail',
        action: 'ses:SendRawEmail',
        sender: mail.mailFrom,
        envelope: mail.recipients,
        content: { kind: 'raw', data: mail.data },
        maxBytes: services.config.limits.messageBytes,
      },
    )
    return { messageId }
  }
}
