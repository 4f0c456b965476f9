/** Whether the platform signs mail beside the sender's identity. */
import type { Services } from '../context.ts'

/** SES's own domain, under which nobody else can publish a key: tests see mail as AWS writes it, but for this signature. */
const FOREIGN = 'amazonses.com'

/** Not where mail goes out under a domain that is not the operator's. */
export function signsForPlatform({ mailDomain }: Pick<Services['config'], 'mailDomain'>): boolean {
  return mailDomain !== FOREIGN && mailDomain.includes('.')
}
