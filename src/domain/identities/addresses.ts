/** Address identities, proved by a link in a mail (SES guide: "Creating an email address identity"). */
import { timingSafeEqual } from 'node:crypto'
import { fail } from '../../errors/fail.ts'
import type { Identity, Scope } from '../../store/types.ts'
import { type Ctx, scopeOf, type Services } from '../context.ts'
import { sendNotice } from '../notices.ts'
import { decreed, LINK_MS, nextCheckOf } from './checks.ts'
import { addIdentity, blankIdentity, changeIdentity, findIdentity, startCheck } from './identity.ts'
import { type IdentityName, parseAddressName } from './names.ts'
import { regionName } from './region-names.ts'

const SECRET_OCTETS = 32

/**
 * v1: begins, or begins again, to verify an address, with a mail to it. A verified address stays as it is, and gets no
 * mail. Throws InvalidParameterValue.
 */
export async function verifyAddress(ctx: Ctx, address: string): Promise<void> {
  const scope = scopeOf(ctx)
  const name = requireAddressName(address)
  const identity = newAddress(ctx, name)
  if (await addIdentity(ctx, scope, identity)) return await sendLink(ctx, scope, identity)
  const changed = await changeIdentity(ctx, scope, name.name, (existing) => restarted(ctx, existing))
  if (changed !== undefined) await sendLink(ctx, scope, changed)
}

/** Throws InvalidParameterValue for what is no bare address. The text has no space (as SES, observed). */
export function requireAddressName(address: string): IdentityName {
  return parseAddressName(address) ?? fail('InvalidParameterValue', `Invalid email address<${address}>.`)
}

/** An address identity at its start; the caller adds it, and sends the link. */
export function newAddress(services: Services, name: IdentityName): Identity {
  const identity = blankIdentity(services, name, makeSecret(services))
  return { ...identity, nextCheckAt: nextCheckOf(identity, services.clock.now()) }
}

/** A link that is still good stays good, for another 24 hours; after a failure there is a new one. */
function restarted(services: Services, identity: Identity) {
  const { state, token } = identity.verification
  if (state === 'SUCCESS') return undefined
  const verification = {
    ...startCheck(services),
    token: state === 'PENDING' ? token : makeSecret(services),
    byTxt: false,
  }
  return { verification, nextCheckAt: nextCheckOf({ ...identity, verification }, services.clock.now()) }
}

function makeSecret({ random }: Services): string {
  return random.bytes(SECRET_OCTETS).toString('base64url')
}

/** Mails the verification link, if the address still waits for it. */
export async function sendLink(services: Services, scope: Scope, identity: Identity): Promise<void> {
  if (identity.verification.state !== 'PENDING') return
  const region = regionName(scope.region)
  await sendNotice(services, scope, {
    to: identity.name,
    // The subject of AWS's own mail, by which inboxes are searched (SES guide: "Creating an email address identity").
    subject: `Amazon Web Services – Email Address Verification Request in region ${region}`,
    text: [
      `Somebody asked to send mail from ${identity.name} in region ${region}.`,
      '',
      'If that was you, open this address to confirm that you may use it:',
      '',
      linkOf(services, scope, identity),
      '',
      'The link is good for 24 hours. Nothing is sent from your address unless you open it.',
      '',
      'If you did not ask for this, do not open the link; then nothing happens.',
      '',
    ].join('\r\n'),
  })
}

/** The link says whose identity it is for, since its secret alone cannot be looked up. */
function linkOf(services: Services, { account, region }: Scope, { name, verification }: Identity): string {
  const whose = Buffer.from(JSON.stringify([account, region, name])).toString('base64url')
  return `${services.publicUrl()}/verify?token=${whose}.${verification.token}`
}

export type LinkState = 'confirmed' | 'expired' | 'unknown'

/** Takes the `token` of a verification link. A link may be opened again as long as it is good. */
export async function confirmAddress(services: Services, token: string): Promise<LinkState> {
  const link = readToken(token)
  if (link === undefined) return 'unknown'
  let state: LinkState = 'unknown'
  await changeIdentity(services, link.scope, link.name, (identity) => {
    const now = services.clock.now()
    const { verification } = identity
    state = stateOf(identity, link, now)
    if (state !== 'confirmed' || verification.state === 'SUCCESS') return undefined
    const confirmed = { ...verification, ...decreed(now), since: verification.since }
    return { verification: confirmed, nextCheckAt: nextCheckOf({ ...identity, verification: confirmed }, now) }
  })
  return state
}

/** What opening the link would give, without opening it. */
export async function judgeLink(services: Services, token: string): Promise<LinkState> {
  const link = readToken(token)
  if (link === undefined) return 'unknown'
  const identity = await findIdentity(services, link.scope, link.name)
  return identity === undefined ? 'unknown' : stateOf(identity, link, services.clock.now())
}

function stateOf({ kind, verification }: Identity, link: Link, now: number): LinkState {
  if (kind !== 'EMAIL_ADDRESS' || !isSame(verification.token, link.secret)) return 'unknown'
  return now - verification.since < LINK_MS && verification.state !== 'FAILED' ? 'confirmed' : 'expired'
}

type Link = { readonly scope: Scope; readonly name: string; readonly secret: string }

// Longest: a name of 320 characters and its scope in base64, and the secret.
const LONGEST_TOKEN = 1000

function readToken(token: string): Link | undefined {
  const [whose = '', secret = '', ...more] = token.length > LONGEST_TOKEN ? [] : token.split('.')
  if (secret === '' || more.length > 0) return undefined
  const [account, region, name] = readJson(Buffer.from(whose, 'base64url').toString())
  if (typeof account !== 'string' || typeof region !== 'string' || typeof name !== 'string') return undefined
  return { scope: { account, region }, name, secret }
}

function readJson(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
