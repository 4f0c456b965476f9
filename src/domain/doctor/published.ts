/** Whether a record stands in DNS: not letter for letter, but so that it does what it is for. */
import { canonicalAddress, shortAddress } from '../../platform/addresses.ts'
import type { Dns, DnsAnswer } from '../../platform/platform.ts'
import type { WantedRecord } from '../dns/records.ts'
import { keyRecordHolds } from '../identities/dkim-keys.ts'
import { ASK_AGAIN, type Finding, type Level, lackOf, reporter, sameName } from './finding.ts'
import { checkSpf, findDmarc } from './policies.ts'

const { ok, warning } = reporter('record')

/** `addresses`: those that mail leaves from, which SPF has to let pass. */
export type Place = { readonly dns: Dns; readonly addresses: readonly string[] }

/** undefined: nothing is to be said of it here. `severity`: of a record that has to be there and is not. */
export async function checkRecord(
  place: Place,
  record: WantedRecord,
  severity: Level = 'problem',
): Promise<Finding | undefined> {
  const { name, type, value } = record
  const { dns } = place
  switch (type) {
    case 'PTR':
    case 'NS':
      // A check of its own (reverse.ts); and what leads to our own zone shows in the rest.
      return undefined
    case 'A':
    case 'AAAA':
      return judge(record, severity, type === 'A' ? await dns.a(name) : await dns.aaaa(name), (records) =>
        records.some((each) => canonicalAddress(each) === canonicalAddress(value)) ? true : records.map(shortAddress),
      )
    case 'CNAME':
      return judge(record, severity, await dns.cname(name), (records) =>
        records.some((each) => sameName(each, value)) ? true : records,
      )
    case 'MX':
      return judge(record, severity, await dns.mx(name), (records) => {
        const [only, ...others] = records
        const isOurs = only !== undefined && others.length === 0 && sameName(only.exchange, value.replace(/^\d+ /, ''))
        return isOurs ? true : records.map(({ exchange, preference }) => `${preference} ${exchange}`)
      })
    case 'TXT':
      return await checkText(place, record, severity)
  }
}

async function checkText(place: Place, record: WantedRecord, severity: Level): Promise<Finding | undefined> {
  const { name, value } = record
  const { dns } = place
  if (value.startsWith('v=spf1')) return await checkSpf(place, record, severity)
  if (value.startsWith('v=DMARC1')) return await findDmarc(dns, name)
  const answer = await dns.txt(name)
  if (value.startsWith('v=STSv1') || value.startsWith('v=TLSRPTv1')) return optional(name, value, answer)
  const publicKey = /(?:^|;\s*)p=([^;]+)/.exec(value)?.[1]
  return judge(record, severity, answer, (records) => {
    const isThere = records.some((each) => (publicKey === undefined ? each === value : keyRecordHolds(each, publicKey)))
    return isThere ? true : records
  })
}

/** `holds`: true, or what is there instead. */
function judge<T>(
  { name, type, value, need, why }: WantedRecord,
  severity: Level,
  answer: DnsAnswer<T>,
  holds: (records: readonly T[]) => true | readonly string[],
): Finding {
  const subject = `${name} ${type}`
  if (answer.kind === 'temporary') return warning(subject, lackOf(answer) ?? '', ASK_AGAIN)
  const found = answer.kind === 'found' ? holds(answer.records) : []
  if (found === true) return ok(subject, 'is published')
  const level = need === 'required' ? severity : 'warning'
  const what = found.length === 0 ? (lackOf(answer) ?? 'nothing is there') : `is ${shortened(found.join(', '))} instead`
  return { check: 'record', subject, level, found: what, advice: `Publish ${type} ${value} (${why}).` }
}

const MOST_SHOWN = 120

function shortened(text: string): string {
  const plain = text.replaceAll(/[^ -~]/g, '?')
  return plain.length > MOST_SHOWN ? `${plain.slice(0, MOST_SHOWN)}…` : plain
}

/** Nobody has to have it; whether it is right, others see by what it leads to. */
function optional(name: string, value: string, answer: DnsAnswer<string>): Finding {
  const subject = `${name} TXT`
  const [version = ''] = value.split(';')
  if (answer.kind === 'temporary') return warning(subject, lackOf(answer) ?? '', ASK_AGAIN)
  const there = answer.kind === 'found' ? answer.records.filter((each) => each.startsWith(version)) : []
  if (there.length > 1) return warning(subject, `there are ${there.length}, so that none counts`, `Leave one: ${value}`)
  return ok(subject, there.length === 1 ? 'is published' : 'is not published, and need not be')
}
