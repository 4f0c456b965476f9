/** Whether the platform signs mail beside the sender's identity: only under a domain of the operator's own. */
import type { Config } from '../../config/config.ts'

/** SES's own domain, under which nobody else can publish a key: tests see mail as AWS writes it, but for this signature. */
const FOREIGN = 'amazonses.com'

/** Not where mail goes out under a domain that is not the operator's. */
export function signsForPlatform({ mailDomain }: Pick<Config, 'mailDomain'>): boolean {
  return mailDomain !== FOREIGN && mailDomain.includes('.')
}
