/** SMTP AUTH: which key it is, and for which region its password was derived. */
import type { Principal, Services } from '../context.ts'
import { type Credential, credentialFor } from './credentials.ts'
import { DEFAULT_REGION } from './regions.ts'
import { isSameText, regionOfPassword, smtpPassword } from './smtp-passwords.ts'

export { smtpPassword }

/**
 * Judges SMTP AUTH: the user is an access key id, the password SES's derivation of the secret, and the region is the one
 * that it was derived for. Temporary credentials have no SMTP password.
 */
export async function authenticateSmtp(
  services: Services,
  user: string,
  password: string,
): Promise<{ principal: Principal; region: string } | 'invalid' | 'not-subscribed' | 'temporary'> {
  try {
    const credential = await credentialFor(services, user)
    if (credential === undefined || !credential.active || credential.sessionToken !== null) return 'invalid'
    const region = smtpRegion(services, credential, password)
    if (region === undefined) return 'invalid'
    const account = await services.store.cached.accounts.find(credential.principal.account)
    return account === undefined ? 'not-subscribed' : { principal: credential.principal, region }
  } catch (cause) {
    // The client is told to come back: what failed is ours, not his password.
    services.log.error('SMTP authentication failed for a reason of ours', { user, cause })
    return 'temporary'
  }
}

function smtpRegion({ config }: Services, { secret, anySecret }: Credential, password: string): string | undefined {
  const region = secret === '' ? undefined : regionOfPassword(secret, password)
  if (region !== undefined) return region
  const isBareSecret = config.profile === 'local' && secret !== '' && isSameText(password, secret)
  return isBareSecret || anySecret ? DEFAULT_REGION : undefined
}
