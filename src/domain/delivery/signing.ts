/** Who signs a message (DKIM, RFC 6376): its identity, by Easy DKIM or with a key of its own, and the platform. */
import { prepare } from '../../message/dkim/prepare.ts'
import { readSigner, type Signer } from '../../message/dkim/keys.ts'
import { signLater, validityFrom } from '../../message/dkim/sign.ts'
import type { Dkim, StoredMessage } from '../../store/types.ts'
import { parseIdentityArn } from '../authorization/arns.ts'
import type { Services } from '../context.ts'
import { platformSigner } from './platform-key.ts'
import { madeKeys } from '../identities/dkim-origins.ts'
import { effectiveDkim } from '../identities/resolution.ts'

/** The message with its signatures in front; as it is where nobody signs. The signing runs on other threads. */
export async function signed(services: Services, stored: StoredMessage, raw: Uint8Array): Promise<Buffer> {
  const signers = [...(await signersOf(services, stored)), ...(await platformSigners(services))]
  if (signers.length === 0) return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  const prepared = prepare(raw)
  const validity = validityFrom(services.clock.now())
  const fields = await Promise.all(signers.map((signer) => signLater(prepared, signer, validity)))
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
  const effective = identity && (await effectiveDkim(services, scope, identity))
  if (effective === undefined || !maySign(effective.dkim)) return []
  const { domain, dkim } = effective
  const { origin, tokens } = dkim
  const isEasy = origin === 'AWS_SES' && tokens.length > 0
  // Where identities are verified at once nobody has looked for the record, and so made the key.
  const privateKeys = isEasy ? await madeKeys(services, scope, domain, dkim) : dkim.privateKeys
  if (privateKeys.length === 0) return []
  const signer = signerOf(domain, { ...dkim, privateKeys })
  if (signer === undefined)
    services.log.warn('mail goes out without its signature: the key cannot be read', { id, name })
  return signer === undefined ? [] : [signer]
}

/** Reading the key takes as long as a signature with it, so that it is read once for each store. */
const platforms = new WeakMap<Services['store'], readonly Signer[]>()

async function platformSigners(services: Services): Promise<readonly Signer[]> {
  const known = platforms.get(services.store)
  if (known !== undefined) return known
  const signer = await platformSigner(services)
  const all = signer === undefined ? [] : [signer]
  platforms.set(services.store, all)
  return all
}

/** A record that was missed lately is given time to come back, as the identity is. */
function maySign({ signingEnabled, state }: Dkim): boolean {
  return signingEnabled && (state === 'SUCCESS' || state === 'TEMPORARY_FAILURE')
}

/** Reading a key takes as long as a signature with it. */
const signers = new Map<string, Signer>()
const MOST_SIGNERS = 10_000

function signerOf(domain: string, { origin, selector, tokens, privateKeys }: Dkim): Signer | undefined {
  const [pem = ''] = privateKeys
  const name = (origin === 'EXTERNAL' ? selector : tokens[0]) ?? ''
  const id = `${domain}\n${name}\n${pem}`
  const known = signers.get(id)
  if (known !== undefined) return known
  const read = readSigner({ domain, selector: name, pem })
  if (!read.ok) return undefined
  if (signers.size >= MOST_SIGNERS) signers.clear()
  signers.set(id, read.value)
  return read.value
}
