/** Each address that mail leaves from has the EHLO name, forwards and backwards: what many receivers ask for first. */
import { canonicalAddress, reverseName, shortAddress } from '../../platform/addresses.ts'
import { ehloName } from '../dns/addresses.ts'
import type { Check, Exam } from './exam.ts'
import { ASK_AGAIN, type Finding, lackOf, reporter, sameName } from './finding.ts'

const { ok, warning, problem } = reporter('ptr')

export const checkReverse: Check = async (exam) => {
  const { sendsFrom, config } = exam
  if (config.transport === 'smarthost') return [ok('the smarthost', 'has to see to its own addresses')]
  if (sendsFrom.length > 0) return await Promise.all(sendsFrom.map((address) => checkAddress(exam, address)))
  const advice = 'Name the addresses that mail leaves from with --address.'
  return [warning('this machine', 'has no public address of its own, so nothing can be said of it', advice)]
}

async function checkAddress({ dns, config }: Exam, address: string): Promise<Finding> {
  const hostname = ehloName(config, address)
  const subject = shortAddress(address)
  const isSix = subject.includes(':')
  const [back, forth] = await Promise.all([dns.ptr(reverseName(address)), isSix ? dns.aaaa(hostname) : dns.a(hostname)])
  if (back.kind === 'temporary') return warning(subject, lackOf(back) ?? '', ASK_AGAIN)
  const names = back.kind === 'found' ? back.records : []
  const whose = `Have whoever gave you the address set its PTR record to ${hostname}, or tell the server the name that it has (--hostname, --egress).`
  if (names.length === 0) return problem(subject, 'has no PTR record', whose)
  if (!names.some((name) => sameName(name, hostname))) {
    return problem(subject, `is called ${names.join(', ')}, not ${hostname}`, whose)
  }
  const isConfirmed =
    forth.kind === 'found' && forth.records.some((each) => canonicalAddress(each) === canonicalAddress(address))
  if (!isConfirmed) {
    const advice = `Publish ${isSix ? 'AAAA' : 'A'} ${subject} for ${hostname}: a PTR record that its name does not confirm counts for nothing.`
    return problem(subject, `is called ${hostname}, but that does not lead back to it`, advice)
  }
  if (names.length > 1) {
    return warning(
      subject,
      `has ${names.length} PTR records`,
      `Leave it ${hostname} alone: some look at the first only.`,
    )
  }
  return ok(subject, `is called ${hostname}, and that leads back to it`)
}
