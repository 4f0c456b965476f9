/** The envelope senders of outgoing mail, and the key with which they prove themselves when something comes back to them. */
import { makeReturnPath, type ReturnPathKey } from '../../message/return-path.ts'
import type { Recipient, StoredMessage } from '../../store/types.ts'
import type { Services } from '../context.ts'

const KEY = { id: 0, name: 'return-path.0', octets: 32 } as const

/** The installation's key, made when it is first asked for. Throws ServiceUnavailable. */
export async function returnPathKey({ store, random }: Pick<Services, 'store' | 'random'>): Promise<ReturnPathKey> {
  const secret = await store.secrets.keep(KEY.name, () => random.bytes(KEY.octets).toString('base64'))
  return { id: KEY.id, secret: Buffer.from(secret, 'base64') }
}

/**
 * The sender to give in one transaction: a return path of our own at the domain of the visible one, which is ours or the
 * identity's MAIL FROM domain. The null return path stays what it is.
 */
export async function envelopeSender(
  services: Services,
  { message: { id: messageId, returnPath } }: StoredMessage,
  recipients: readonly Pick<Recipient, 'position'>[],
): Promise<string> {
  const at = returnPath.lastIndexOf('@')
  const [first] = recipients
  if (at < 0 || first === undefined) return returnPath
  const target = { messageId, recipient: first.position, isShared: recipients.length > 1 }
  return makeReturnPath(target, await returnPathKey(services)) + returnPath.slice(at)
}
