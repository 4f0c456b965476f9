/** SMTP passwords, derived from a secret access key (SES guide: "Obtaining Amazon SES SMTP credentials"). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { DEFAULT_REGION, REGIONS } from './regions.ts'

/** The password for a region, version 4 of the derivation. */
export function smtpPassword(secret: string, region: string): string {
  // The guide's algorithm: a SigV4 signing key of a fixed date, and a fixed message.
  const steps = ['11111111', region, 'ses', 'aws4_request', 'SendRawEmail']
  const signature = steps.reduce<Buffer>((key, message) => hmac(key, message), Buffer.from(`AWS4${secret}`))
  return Buffer.concat([Buffer.of(4), signature]).toString('base64')
}

/** The password that was derived before 2019: it is good in every region. */
export function legacySmtpPassword(secret: string): string {
  return Buffer.concat([Buffer.of(2), hmac(Buffer.from(secret), 'SendRawEmail')]).toString('base64')
}

/** The passwords of all known regions, as a key's owner is shown them. */
export function smtpPasswords(secret: string): Record<string, string> {
  return Object.fromEntries(REGIONS.map((region) => [region, smtpPassword(secret, region)]))
}

/**
 * The region whose password this is; for a password of before 2019, which names none, the first. undefined: it is not
 * of this secret. Takes the same time whichever region it is.
 */
export function regionOfPassword(secret: string, password: string): string | undefined {
  const presented = digest(password)
  let region: string | undefined
  for (const candidate of derived(secret)) {
    if (timingSafeEqual(candidate.digest, presented)) region = candidate.region
  }
  return region
}

/** Compares two texts in constant time. */
export function isSameText(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right))
}

type Derived = readonly { readonly region: string; readonly digest: Buffer }[]

// About 200 HMACs a key are some 0.3 ms, so they are kept: clients connect again and again.
const REMEMBERED = 500
const remembered = new Map<string, Derived>()

function derived(secret: string): Derived {
  const known = remembered.get(secret)
  if (known !== undefined) return known
  const passwords = [
    ...REGIONS.map((region) => ({ region, digest: digest(smtpPassword(secret, region)) })),
    { region: DEFAULT_REGION, digest: digest(legacySmtpPassword(secret)) },
  ]
  if (remembered.size >= REMEMBERED) remembered.clear()
  remembered.set(secret, passwords)
  return passwords
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function hmac(key: Buffer, message: string): Buffer {
  return createHmac('sha256', key).update(message).digest()
}
