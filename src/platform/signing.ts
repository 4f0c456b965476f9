/** Signatures off the thread that accepts mail. */
import { sign as cryptoSign, type KeyObject } from 'node:crypto'

/** `digest`: what `octets` are hashed with first; null: the algorithm needs none (Ed25519). */
export type SignRequest = { readonly digest: 'sha256' | null; readonly octets: Uint8Array; readonly key: KeyObject }

/** Signs on another thread. Throws what OpenSSL throws. */
export type SignOctets = (request: SignRequest) => Promise<Buffer>

/** On the threads that Node keeps for such work, at the priority of the process. */
export const signOnNodesThreads: SignOctets = async ({ digest, octets, key }) => {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  cryptoSign(digest, octets, key, (error, signature) => {
    if (error === null) resolve(signature)
    else reject(error)
  })
  return await promise
}
