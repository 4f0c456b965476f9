/** Port 25, out and in. */
import { addressKind, canonicalAddress, isIpAddress, shortAddress } from '../../platform/addresses.ts'
import type { Dns } from '../../platform/platform.ts'
import type { Check, Exam } from './exam.ts'
import { type Finding, type Reporter, reporter } from './finding.ts'
import { greetingOf, WAIT_MS } from './greeting.ts'

const out = reporter('port25')
const into = reporter('inbound')

/** Domains whose servers take a call from anybody. One that answers is enough. */
const CALLEES = ['gmail.com', 'outlook.com', 'yahoo.com']

/** Whether others can be called on their port 25, or the smarthost on its. */
export const checkOutbound: Check = async (exam) => {
  const { transport, smarthost, mxPort } = exam.config
  if (transport === 'smarthost' && smarthost !== undefined) {
    const { host, port, tls } = smarthost
    return [await callSmarthost(exam, { host, port, isSilent: tls.startsWith('tls') })]
  }
  if (transport === 'capture') {
    return [
      out.warning(
        '--transport capture',
        'no mail leaves this server',
        'Start it with --transport direct or smarthost.',
      ),
    ]
  }
  const callees = exam.callees.length > 0 ? exam.callees : CALLEES
  const heard = await Promise.all(callees.map(async (name) => ({ name, ...(await callDomain(exam, name, mxPort)) })))
  const good = heard.flatMap((each) => ('line' in each && each.line.startsWith('220') ? [each.name] : []))
  const bad = heard.map((each) => `${each.name}: ${'line' in each ? each.line : each.failed}`).join('; ')
  const subject = `port ${mxPort} of others`
  if (good.length > 0) return [out.ok(subject, `can be called (${good.join(', ')})`)]
  const advice =
    'Most providers of servers block port 25 until you ask: have it opened, see that no firewall holds it up, or send by --transport smarthost.'
  return [out.problem(subject, `cannot be called (${bad})`, advice)]
}

async function callDomain(exam: Exam, name: string, port: number) {
  const address = await firstHost(exam.dns, name)
  if (address === undefined) return { failed: 'no host was found in DNS' }
  if (!mayCall(exam, address)) return { failed: `${address} is no public address` }
  return await greetingOf(exam, { address, port, localAddress: undefined })
}

function mayCall({ config }: Exam, address: string): boolean {
  return config.allowPrivateDestinations || addressKind(canonicalAddress(address)) === 'public'
}

/** IPv4: whoever cannot be called by that can hardly send. */
async function firstHost(dns: Dns, name: string): Promise<string | undefined> {
  const found = await dns.mx(name)
  const hosts = found.kind === 'found' ? found.records.toSorted((one, other) => one.preference - other.preference) : []
  const answer = await dns.a(hosts[0]?.exchange ?? name)
  return answer.kind === 'found' ? answer.records[0] : undefined
}

type Callee = { readonly host: string; readonly port: number; readonly isSilent: boolean }

async function callSmarthost(exam: Exam, { host, port, isSilent }: Callee): Promise<Finding> {
  const subject = `the smarthost ${host}:${port}`
  const answer = isIpAddress(host) ? undefined : await exam.dns.a(host)
  const address = answer === undefined ? host : answer.kind === 'found' ? answer.records[0] : undefined
  if (address === undefined) return out.problem(subject, 'was not found in DNS', 'See that --smarthost is right.')
  // With TLS from the start nothing is said before it: that somebody is there has to do.
  const target = { address, port, localAddress: undefined }
  if (isSilent) return await isThere(exam, subject, target)
  const greeting = await greetingOf(exam, target)
  if ('line' in greeting && greeting.line.startsWith('220')) return out.ok(subject, 'answers')
  const what = 'line' in greeting ? greeting.line : greeting.failed
  return out.problem(subject, `does not answer (${what})`, 'See that it runs, and that no firewall is between.')
}

async function isThere(exam: Exam, subject: string, target: Parameters<Exam['dial']>[0]): Promise<Finding> {
  const giveUp = new AbortController()
  const cancel = exam.wallClock.after(WAIT_MS, () => giveUp.abort())
  const wire = await exam.dial(target, giveUp.signal)
  cancel()
  if (typeof wire === 'string') {
    return out.problem(subject, `does not answer (${wire})`, 'See that it runs, and that no firewall is between.')
  }
  wire.destroy()
  return out.ok(subject, 'answers')
}

/** Whether bounces can come back: where our MX records lead to, on the port that others call. */
export const checkInbound: Check = async (exam) => {
  const { dns, config } = exam
  const [four, six] = await Promise.all([dns.a(config.hostname), dns.aaaa(config.hostname)])
  const addresses = [four, six].flatMap((answer) => (answer.kind === 'found' ? answer.records : []))
  if (addresses.length === 0) {
    return [
      into.warning(
        config.hostname,
        'leads nowhere, so nobody can call',
        'Publish its A and AAAA records (`sesame dns`).',
      ),
    ]
  }
  return await Promise.all(addresses.slice(0, MOST_ADDRESSES).map((address) => callOurselves(exam, address, into)))
}

const MOST_ADDRESSES = 8

async function callOurselves(exam: Exam, address: string, report: Reporter): Promise<Finding> {
  const { hostname, mxPort, inboundPort } = exam.config
  const subject = `${shortAddress(address)} port ${mxPort}`
  const lead = `Have port ${mxPort} lead to --inbound-port ${inboundPort}, and open it in the firewall.`
  if (!mayCall(exam, address))
    return report.warning(subject, 'is no public address', `${lead} Others cannot call it as it is.`)
  const greeting = await greetingOf(exam, { address, port: mxPort, localAddress: undefined })
  if ('failed' in greeting) {
    // A router may not let its own network in by the door that strangers use.
    if (greeting.failed !== 'ETIMEDOUT') return report.problem(subject, `does not answer (${greeting.failed})`, lead)
    return report.warning(
      subject,
      'does not answer when called from here',
      `${lead} Then call it from another machine.`,
    )
  }
  if (greeting.line.toLowerCase().includes(hostname.toLowerCase()))
    return report.ok(subject, 'is answered by this server')
  return report.problem(subject, `is answered by another server (${greeting.line})`, lead)
}
