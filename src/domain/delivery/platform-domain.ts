/** Whether the platform signs mail beside the sender's identity: only under a domain of the operator's own. */
import type { Config } from '../../config/config.ts'
import { isForeign } from '../foreign.ts'

/** Not where mail goes out under Amazon's name, as in tests, or under none. */
export function signsForPlatform({ mailDomain }: Pick<Config, 'mailDomain'>): boolean {
  return !isForeign(mailDomain) && mailDomain.includes('.')
}
