/** The MTA-STS policy for mail to us (RFC 8461): bounces and reports. */
import { createHash } from 'node:crypto'

/** A day: a policy that was wrong is soon forgotten. RFC 8461 §3.2 asks for weeks once it is known to work. */
const MAX_AGE_S = 86_400

/** The policy file, §3.2. `testing`: failures are reported, and mail comes all the same. */
export function policyText(hostname: string): string {
  return ['version: STSv1', 'mode: testing', `mx: ${hostname}`, `max_age: ${MAX_AGE_S}`, ''].join('\r\n')
}

/** The id in the TXT record: another for another policy, which is how others see that it changed. */
export function policyId(hostname: string): string {
  return createHash('sha256').update(policyText(hostname)).digest('hex').slice(0, 16)
}
