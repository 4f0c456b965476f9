/** Who signs a message (DKIM, RFC 6376): its identity, by Easy DKIM or with a key of its own, and the platform. */
import type { SignOctets } from '../../platform/signing.ts'
import { prepare } from '../../message/dkim/prepare.ts'
import { readSigner, type Signer } from '../../message/dkim/keys.ts'
import { signLater, validityFrom } from '../../message/dkim/sign.ts'
import type { DkimKey, StoredMessage } from '../../store/types.ts'
import { parseIdentityArn } from '../authorization/arns.ts'
import type { Services } from '../context.ts'
import { dkimSigners } from '../identities/dkim.ts'
import { platformSigners } from './platform-key.ts'

/** The message with its signatures in front; as it is where nobody signs. The signing runs on other threads. */
export async function signed(
  services: Services,
  signOctets: SignOctets,
  stored: StoredMessage,
  raw: Uint8Array,
): Promise<Buffer> {
  const signers = [...(await signersOf(services, stored)), ...(await platformSigners(services))]
  if (signers.length === 0) return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  const prepared = prepare(raw)
  const validity = validityFrom(services.clock.now())
  const fields = await Promise.all(signers.map((signer) => signLater(prepared, signer, validity, signOctets)))
  return Buffer.concat([Buffer.from(fields.join(''), 'latin1'), raw])
}

async function signersOf(
  services: Services,
  { message: { id, sourceArn } }: StoredMessage,
): Promise<readonly Signer[]> {
  if (sourceArn === null) return []
  const { account, region, name } = parseIdentityArn(sourceArn)
  const scope = { account, region }
  const identity = await services.store.cached.identities.find(scope, name)
  if (identity === undefined) return []
  const { domain, keys } = await dkimSigners(services, scope, identity)
  return keys.flatMap((key) => {
    const signer = signerOf(domain, key)
    if (signer === undefined)
      services.log.warn('mail goes out without a signature: the key cannot be read', { id, name })
    return signer === undefined ? [] : [signer]
  })
}

/** Reading a key takes as long as a signature with it. A key is the same object as long as its identity is kept. */
const signers = new WeakMap<DkimKey, Signer>()

function signerOf(domain: string, key: DkimKey): Signer | undefined {
  const known = signers.get(key)
  if (known !== undefined && known.domain === domain) return known
  const read = readSigner({ domain, selector: key.selector, pem: key.pem })
  if (!read.ok) return undefined
  signers.set(key, read.value)
  return read.value
}
