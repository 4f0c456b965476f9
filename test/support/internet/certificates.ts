/** Certificates of the Internet in a box: an authority, and what servers have of it. */
import { generate } from 'selfsigned'

export type Pem = { readonly cert: string; readonly key: string }

const DAY_MS = 86_400_000

/** Made once for all tests of a process: key generation is most of what a test with TLS would take. */
let authority: Promise<Pem> | undefined
const known = new Map<string, Promise<Pem>>()

export function theAuthority(): Promise<Pem> {
  return (authority ??= make('Test Authority', { ca: true }))
}

/** A certificate for `name`, by the authority unless it is `selfSigned`. */
export function certificateFor(name: string, kind: 'good' | 'expired' | 'selfSigned' = 'good'): Promise<Pem> {
  const key = `${kind} ${name}`
  const made = known.get(key) ?? make(name, { kind })
  known.set(key, made)
  return made
}

async function make(
  name: string,
  { ca = false, kind = 'good' }: { readonly ca?: boolean; readonly kind?: 'good' | 'expired' | 'selfSigned' },
): Promise<Pem> {
  const issuer = ca || kind === 'selfSigned' ? undefined : await theAuthority()
  const now = Date.now()
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - 30 * DAY_MS),
    notAfterDate: new Date(kind === 'expired' ? now - DAY_MS : now + 30 * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: ca, critical: true },
      ...(ca
        ? [{ name: 'keyUsage' as const, keyCertSign: true, critical: true }]
        : [{ name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: name }] }]),
    ],
    ...(issuer !== undefined && { ca: issuer }),
  })
  return { cert: issuer === undefined ? made.cert : `${made.cert}\n${issuer.cert}`, key: made.private }
}
