/** Whether mail goes out under a domain of the operator's own. */
import type { Config } from '../../config/config.ts'

/** SES's own domain, under which nobody else can publish a key: tests see mail as AWS writes it, but for this signature. */
const FOREIGN = 'amazonses.com'

/** Whether the platform can sign for its mail domain. */
export function isSigning({ mailDomain }: Pick<Config, 'mailDomain'>): boolean {
  return mailDomain !== FOREIGN && mailDomain.includes('.')
}
