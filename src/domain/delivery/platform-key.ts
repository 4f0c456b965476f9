/**
 * The platform's own DKIM keys, as SES signs with `d=amazonses.com` beside the sender's identity: feedback loops and
 * reputation go by it. They are a secret of the installation, which all processes share; the first is made when the first
 * message is to be signed.
 */
import { hash } from 'node:crypto'
import { readSigner, type Signer } from '../../message/dkim/keys.ts'
import type { DkimKey } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { activated, activeKeys, type Algorithm, isPublished, newKey, type Ring } from '../dkim/ring.ts'
import { readRing } from '../dkim/ring-text.ts'
import { wantedAlgorithms } from '../identities/dkim-rotation.ts'
import { keyRecordOf, makePrivateKey, publicKeyOf } from '../identities/dkim-keys.ts'
import { signsForPlatform } from './platform-domain.ts'

/** The one key that there was before keys were replaced. */
const FIRST_KEY = 'platform DKIM key'
const RING = 'platform DKIM keys'
/** How long another process may go on as before after a change: a key signs on for longer than that when it is replaced. */
const KNOWN_MS = 30_000
/** Several processes may want to change the keys at once; each time one of them succeeds. */
const MOST_TRIES = 8

type Known = { readonly at: number; readonly signers: Promise<readonly Signer[]> }

/** Reading a key takes as long as a signature with it. */
const known = new WeakMap<Services['store'], Known>()

/** Who signs for the platform, RSA first; nobody where mail goes out under a domain that is not the operator's. */
export async function platformSigners(services: Services): Promise<readonly Signer[]> {
  const { config, store, wallClock } = services
  if (!signsForPlatform(config)) return []
  const before = known.get(store)
  const now = wallClock.now()
  if (before !== undefined && now - before.at < KNOWN_MS) return await before.signers
  const signers = readSigners(services)
  known.set(store, { at: now, signers })
  // Not kept when it failed.
  signers.catch(() => known.delete(store))
  return await signers
}

async function readSigners(services: Services): Promise<readonly Signer[]> {
  const domain = services.config.mailDomain
  const wanted = wantedAlgorithms(services.config)
  // What was switched off lately is still among them.
  const keys = activeKeys(await platformRing(services)).filter(({ algorithm }) => wanted.includes(algorithm))
  return keys.flatMap(({ selector, pem }) => {
    const read = readSigner({ domain, selector, pem, coversFeedbackId: true })
    return read.ok ? [read.value] : []
  })
}

/** Its keys, the first of which is made when there is none yet. Empty where it does not sign. */
export async function platformRing(services: Services): Promise<Ring> {
  return signsForPlatform(services.config) ? readRing(await ringText(services)) : []
}

/** Whether any key was ever needed. */
export async function hasPlatformKeys({ store }: Services): Promise<boolean> {
  return (await store.secrets.find(RING)) !== undefined
}

async function ringText(services: Services): Promise<string> {
  const { store, clock } = services
  return await store.secrets.current(RING, async () => {
    // All verifiers know RSA; feedback loops ask for it.
    const pem = (await store.secrets.find(FIRST_KEY)) || (await makePrivateKey('RSA_2048_BIT'))
    const now = clock.now()
    // Mail is signed from the start, whether or not the record is there yet: it would not pass unsigned either.
    return JSON.stringify(activated([keyUnder('rsa', pem, now)], () => true, now))
  })
}

/** Changes the keys by what `change` makes of them as they are. */
export async function changePlatformRing(services: Services, change: (ring: Ring) => Ring): Promise<Ring> {
  const { secrets } = services.store
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const text = await ringText(services)
    const ring = readRing(text)
    const changed = change(ring)
    if (changed === ring) return ring
    if (!(await secrets.replace(RING, text, JSON.stringify(changed)))) continue
    known.delete(services.store)
    return changed
  }
  throw new Error('the DKIM keys of the platform are changed by others all the time')
}

/** Takes the one key of earlier versions from where they had it, when it is withdrawn. */
export async function forgetFirstKey({ store: { secrets } }: Services, ring: Ring): Promise<void> {
  const pem = await secrets.find(FIRST_KEY)
  if (pem === undefined || pem === '' || ring.some((key) => key.pem === pem)) return
  await secrets.replace(FIRST_KEY, pem, '')
}

/** A key that is to be published. Its selector is made of it, so that no two have the same. */
export async function makePlatformKey(services: Services, algorithm: Algorithm): Promise<DkimKey> {
  const pem = await makePrivateKey(algorithm === 'rsa' ? 'RSA_2048_BIT' : 'ED25519')
  return keyUnder(algorithm, pem, services.clock.now())
}

function keyUnder(algorithm: Algorithm, pem: string, now: number): DkimKey {
  const selector = `s${hash('sha256', publicKeyOf(pem)).slice(0, 10)}`
  return newKey({ selector, algorithm, pem, publishedBy: 'operator' }, now)
}

export type PublishedKey = { readonly name: string; readonly value: string; readonly state: DkimKey['state'] }

/** The records of its keys. */
export async function platformRecords(services: Services): Promise<readonly PublishedKey[]> {
  const ring = await platformRing(services)
  return ring.filter(isPublished).map(({ selector, pem, state }) => ({
    name: `${selector}._domainkey.${services.config.mailDomain}`,
    value: keyRecordOf(pem),
    state,
  }))
}
