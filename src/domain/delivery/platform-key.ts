/**
 * The platform's own DKIM key, as SES signs with `d=amazonses.com` beside the sender's identity: feedback loops and
 * reputation go by it. Made once for the installation, when the first message is to be signed.
 */
import { hash } from 'node:crypto'
import { readSigner, type Signer } from '../../message/dkim/keys.ts'
import type { Services } from '../context.ts'
import { isForeign } from '../foreign.ts'
import { makePrivateKey, publicKeyOf } from '../identities/dkim-keys.ts'

const SECRET = 'platform DKIM key'

/** Who signs for the platform; undefined: mail goes out under a domain that is not the operator's, as AWS's in tests. */
export async function platformSigner(services: Services): Promise<Signer | undefined> {
  const { mailDomain } = services.config
  if (isForeign(mailDomain) || !mailDomain.includes('.')) return undefined
  // All verifiers know RSA; feedback loops ask for it.
  const pem = await services.store.secrets.keep(SECRET, () => makePrivateKey('RSA_2048_BIT'))
  const selector = `s${hash('sha256', publicKeyOf(pem)).slice(0, 10)}`
  const read = readSigner({ domain: mailDomain, selector, pem, coversFeedbackId: true })
  return read.ok ? read.value : undefined
}
