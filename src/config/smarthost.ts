/** How the server of the transport `smarthost` is written. */
import type { Smarthost } from '../platform/egress.ts'
import type { Kind, Parsed } from './values.ts'

const WAYS = {
  'smtp:': { tls: ['none', 'optional', 'starttls', 'starttls-unverified'], otherwise: 'optional', port: 587 },
  'smtps:': { tls: ['tls', 'tls-unverified'], otherwise: 'tls', port: 465 },
} as const

/** `smtp://user:password@host:587?tls=starttls`, its parts percent-encoded where they must be. */
export const smarthost: Kind<Smarthost> = {
  shape: 'URL',
  parse(value) {
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    const scheme = parsed?.protocol
    if (parsed === undefined || (scheme !== 'smtp:' && scheme !== 'smtps:') || parsed.hostname === '') {
      return bad('is not smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://…')
    }
    const way = WAYS[scheme]
    const asked = parsed.searchParams.get('tls') ?? way.otherwise
    const tls = way.tls.find((each) => each === asked)
    if (tls === undefined) return bad(`has a tls that is not one of ${way.tls.join(', ')}`)
    if (hasOtherParts(parsed)) return bad('has parts besides scheme, user, password, host, port and ?tls=')
    const [user, password] = [decoded(parsed.username), decoded(parsed.password)]
    if (user === undefined || password === undefined) return bad('has a user or password that is badly encoded')
    const credentials = user === '' ? undefined : { user, password }
    if (credentials !== undefined && tls === 'none') return bad('would send a password in the clear')
    const port = parsed.port === '' ? way.port : Number(parsed.port)
    return { ok: true, value: { host: parsed.hostname.replace(/^\[|\]$/g, ''), port, tls, credentials } }
  },
  print: ({ host, port, tls }) => `${tls.startsWith('tls') ? 'smtps' : 'smtp'}://${host}:${port}?tls=${tls}`,
}

function bad(error: string): Parsed<never> {
  return { ok: false, error }
}

function hasOtherParts({ pathname, hash, searchParams }: URL): boolean {
  return pathname.length > 1 || hash !== '' || [...searchParams.keys()].some((key) => key !== 'tls')
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
