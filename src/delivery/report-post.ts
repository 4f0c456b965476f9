/** TLS reports over HTTPS (RFC 8460 §5.4). */
import type { Clock, HttpsGet } from '../platform/platform.ts'
import { hostAddresses, type HostDeps } from './hosts.ts'

export type ReportPostDeps = HostDeps & { readonly httpsGet: HttpsGet; readonly clock: Clock }

const TIMEOUT_MS = 60_000
const HTTPS_PORT = 443
/** Of what is answered nothing is read. */
const MAX_BYTES = 65_536

/** Posts a report, compressed by gzip, to a stranger's server; the text says what was wrong. Nothing is followed. */
export async function postReport(deps: ReportPostDeps, url: URL, report: Uint8Array): Promise<string | undefined> {
  const { clock, httpsGet } = deps
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = await hostAddresses(deps, host)
  if (!('addresses' in found)) return found.reply.text
  const giveUp = new AbortController()
  const cancel = clock.after(TIMEOUT_MS, () => giveUp.abort())
  const question = {
    host,
    address: found.addresses[0] ?? '',
    port: url.port === '' ? HTTPS_PORT : Number(url.port),
    path: `${url.pathname}${url.search}`,
    maxBytes: MAX_BYTES,
    ca: undefined,
    post: { contentType: 'application/tlsrpt+gzip', body: report },
    // §3: what is told is that TLS is broken; that it is broken there too must not keep it from them.
    isAnyCertificate: true,
  }
  const reply = await httpsGet(question, giveUp.signal)
  cancel()
  if (typeof reply === 'string') return reply
  return reply.status >= 200 && reply.status < 300 ? undefined : `HTTP ${reply.status}`
}
