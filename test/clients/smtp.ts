/** What the SMTP clients' tests have in common: how a refusal of the list sounds over SMTP. */
import { type Mail, rawMail, recipientsOf } from './mail.ts'
import { type Refusal, textOf } from './refusals.ts'
import type { Account } from './server.ts'

/** The envelope's sender: the address without its name. */
export function envelopeFrom({ from }: Mail): string {
  return /<([^>]*)>/.exec(from)?.[1] ?? from
}

export const envelopeTo = recipientsOf
export { rawMail }

/** The whole reply. */
export function replyOf(refusal: Refusal, account: Account): string {
  return refusal.smtp + textOf(refusal, account, 'ses:SendRawEmail')
}
