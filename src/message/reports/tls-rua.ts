/** Who wants TLS reports about a domain, and how (RFC 8460 §3). */
import { type Mailbox, parseMailbox } from '../addresses.ts'

/** More than anybody needs. */
const MOST_URIS = 5
const MOST_LENGTH = 2_000

export type ReportTo =
  | { readonly kind: 'mailto'; readonly uri: string; readonly mailbox: Mailbox }
  | { readonly kind: 'https'; readonly uri: string; readonly url: URL }

/** The `rua` in the TXT records of `_smtp._tls.DOMAIN`; none where there is no policy or more than one, or nothing we know. */
export function reportAddresses(records: readonly string[]): readonly ReportTo[] {
  const policies = records.filter((record) => /^v=TLSRPTv1[ \t]*;/.test(record))
  const [policy] = policies
  if (policy === undefined || policies.length > 1) return []
  const rua = policy
    .split(';')
    .map((field) => field.trim())
    .find((field) => field.startsWith('rua='))
  const uris = rua?.slice('rua='.length).split(',') ?? []
  return uris.slice(0, MOST_URIS).flatMap((uri) => addressIn(uri.trim()) ?? [])
}

function addressIn(uri: string): ReportTo | undefined {
  if (uri.length > MOST_LENGTH) return undefined
  if (/^mailto:/i.test(uri)) return mailtoIn(uri)
  if (!/^https:/i.test(uri) || !URL.canParse(uri)) return undefined
  const url = new URL(uri)
  return url.username === '' && url.password === '' ? { kind: 'https', uri, url } : undefined
}

/** RFC 6068: one address; a subject and whatever else it may ask for is passed over. */
function mailtoIn(uri: string): ReportTo | undefined {
  const [encoded = ''] = uri.slice('mailto:'.length).split('?')
  const mailbox = parseMailbox(decoded(encoded))
  // Nothing but an address: no name, no list.
  if (!mailbox.ok || mailbox.value.address !== decoded(encoded) || !/^[!-~]+$/.test(mailbox.value.address))
    return undefined
  return { kind: 'mailto', uri, mailbox: mailbox.value }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
