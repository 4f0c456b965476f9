/** SPF, DMARC and MTA-STS: records that others judge mail by. */
import type { Dns, HttpsGet } from '../../platform/platform.ts'
import { shortAddress } from '../../platform/addresses.ts'
import type { WantedRecord } from '../dns/records.ts'
import type { Exam } from './exam.ts'
import { ASK_AGAIN, type Finding, type Level, lackOf, reporter } from './finding.ts'
import type { Place } from './published.ts'
import { spfRecords, spfVerdict } from './spf.ts'

const { ok, warning } = reporter('record')
const sts = reporter('mta-sts')

/** Whether SPF of a name lets every address of ours pass, whatever way it is written. */
export async function checkSpf(
  { dns, addresses }: Place,
  { name, value, why }: WantedRecord,
  severity: Level,
): Promise<Finding> {
  const subject = `${name} SPF`
  const answer = await dns.txt(name)
  if (answer.kind === 'temporary') return warning(subject, lackOf(answer) ?? '', ASK_AGAIN)
  const records = spfRecords(answer.kind === 'found' ? answer.records : [])
  const bad = (found: string, advice: string): Finding => ({ check: 'record', subject, level: severity, found, advice })
  if (records.length === 0) return bad('there is no such record', `Publish TXT ${value} (${why}).`)
  if (records.length > 1) return bad(`there are ${records.length}, so that none counts`, `Leave one: TXT ${value}`)
  const verdicts = await Promise.all(
    addresses.map(async (address) => ({ address, verdict: await spfVerdict(dns, name, address) })),
  )
  const refused = verdicts.filter(
    ({ verdict }) => verdict !== 'pass' && verdict !== 'unknown' && verdict !== 'temperror',
  )
  const told = (all: typeof verdicts) =>
    all.map(({ address, verdict }) => `${shortAddress(address)}: ${verdict}`).join(', ')
  if (refused.length > 0)
    return bad(`does not let us pass (${told(refused)})`, `Make it ${value}, or add what it lacks.`)
  const unsure = verdicts.filter(({ verdict }) => verdict !== 'pass')
  if (unsure.length > 0) return warning(subject, `cannot be told from here (${told(unsure)})`, ASK_AGAIN)
  return ok(subject, addresses.length === 0 ? 'is published' : 'lets every address of ours pass')
}

/** DMARC of a name, or of a domain above it (RFC 7489 §6.6.3, as the tree walk of its successor does it). */
export async function findDmarc(dns: Dns, name: string): Promise<Finding> {
  const labels = name.replace(/^_dmarc\./, '').split('.')
  for (let first = 0; first < Math.max(labels.length - 1, 1) && first < MAX_STEPS; first++) {
    const at = `_dmarc.${labels.slice(first).join('.')}`
    const answer = await dns.txt(at)
    if (answer.kind === 'temporary') return warning(`${at} TXT`, lackOf(answer) ?? '', ASK_AGAIN)
    const found = answer.kind === 'found' ? answer.records.filter((each) => /^v=DMARC1\s*(?:;|$)/.test(each)) : []
    if (found.length > 1) return warning(`${at} TXT`, `there are ${found.length}, so that none counts`, 'Leave one.')
    if (found.length === 1)
      return ok(`${at} TXT`, `is published (${/;\s*(p=\w+)/.exec(found[0] ?? '')?.[1] ?? 'without p='})`)
  }
  return warning(
    `${name} TXT`,
    'there is no DMARC record',
    'Publish TXT v=DMARC1; p=none to begin with: large receivers ask for one.',
  )
}

const MAX_STEPS = 8
const HTTPS_PORT = 443
const FETCH_MS = 10_000
const MAX_BYTES = 65_536

/** The policy that an MTA-STS record announces: others must be able to fetch it, and it must name our host. */
export async function checkMtaSts(exam: Exam): Promise<readonly Finding[]> {
  const { dns, config, httpsGet } = exam
  const { mailDomain, hostname } = config
  const record = await dns.txt(`_mta-sts.${mailDomain}`)
  if (record.kind !== 'found' || !record.records.some((each) => each.startsWith('v=STSv1'))) return []
  const host = `mta-sts.${mailDomain}`
  const url = `https://${host}/.well-known/mta-sts.txt`
  const answer = await dns.a(host)
  const address = answer.kind === 'found' ? answer.records[0] : undefined
  if (address === undefined)
    return [sts.problem(host, lackOf(answer) ?? 'no address', `Publish its address; it must serve ${url}.`)]
  const reply = await fetched(exam, httpsGet, { host, address })
  const advice = `Serve the policy at ${url}, with a certificate for ${host} (docs/operator.md), or take the record away.`
  if (typeof reply === 'string') return [sts.problem(url, `cannot be fetched (${reply})`, advice)]
  if (reply.status !== 200) return [sts.problem(url, `answers HTTP ${reply.status}`, advice)]
  const hosts = [...reply.body.matchAll(/^mx:\s*(\S+)/gm)].map(([, each = '']) => each.toLowerCase())
  const isNamed = hosts.some(
    (each) => each === hostname || (each.startsWith('*.') && hostname.split('.').slice(1).join('.') === each.slice(2)),
  )
  return [
    isNamed
      ? sts.ok(url, 'names this server')
      : sts.problem(url, `does not name ${hostname}`, `Add the line mx: ${hostname}`),
  ]
}

async function fetched(
  { wallClock }: Exam,
  httpsGet: HttpsGet,
  { host, address }: { readonly host: string; readonly address: string },
) {
  const giveUp = new AbortController()
  const cancel = wallClock.after(FETCH_MS, () => giveUp.abort())
  const question = {
    host,
    address,
    port: HTTPS_PORT,
    path: '/.well-known/mta-sts.txt',
    maxBytes: MAX_BYTES,
    ca: undefined,
  }
  const reply = await httpsGet(question, giveUp.signal)
  cancel()
  return reply
}
