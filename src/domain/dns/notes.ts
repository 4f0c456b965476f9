/** What the records alone do not say: where their addresses come from, and with whom the operator has to register. */
import type { Config } from '../../config/config.ts'
import type { Addresses } from './addresses.ts'
import { isForeign } from '../foreign.ts'

export type FeedbackLoop = {
  readonly provider: string
  /** What they tell complaints by. */
  readonly by: 'address' | 'domain'
  readonly url: string
  readonly gives: string
}

/** Providers that tell of complaints, or show how a sender fares, only to those who registered with them. */
export const FEEDBACK_LOOPS: readonly FeedbackLoop[] = [
  {
    provider: 'Microsoft (Outlook.com, Hotmail)',
    by: 'address',
    url: 'https://sendersupport.olc.protection.outlook.com/snds/',
    gives: 'SNDS (figures of each address) and JMRP (complaints as mail)',
  },
  {
    provider: 'Yahoo (with AOL)',
    by: 'domain',
    url: 'https://senders.yahooinc.com/complaint-feedback-loop/',
    gives: 'complaints as ARF, for each domain in DKIM signatures',
  },
  {
    provider: 'Google (Gmail)',
    by: 'domain',
    url: 'https://postmaster.google.com/',
    gives: 'spam rate and reputation of each domain; no single complaints',
  },
  {
    provider: 'Validity (Comcast, Cox and others)',
    by: 'address',
    url: 'https://fbl.validity.com/',
    gives: 'complaints as ARF',
  },
]

export function notesOf(
  { mailDomain, hostname, transport, smarthost }: Config,
  { from, addresses }: Addresses,
  reportsTo: string | undefined,
): readonly string[] {
  const notes: string[] = []
  if (from === 'machine') {
    notes.push(
      `That mail leaves from ${addresses.join(', ')} is assumed: they are this machine's public addresses. --address or --public-addresses names others.`,
    )
  }
  if (from === 'nowhere') {
    notes.push(
      'This machine has no public address (NAT?): give those that mail leaves from with --address or --public-addresses, or A, AAAA, PTR and the addresses in SPF are missing here.',
    )
  }
  if (transport === 'smarthost' && smarthost !== undefined) {
    notes.push(
      `Mail leaves from the addresses of ${smarthost.host}: if it tells of an SPF record to include, use that instead.`,
    )
  }
  if (isForeign(mailDomain)) {
    notes.push(
      `The mail domain is ${mailDomain}, which is Amazon's: nothing can be published for it. Before real mail is sent, set --mail-domain (production: the host name).`,
    )
  } else {
    notes.push(`postmaster@${mailDomain} and abuse@${mailDomain} should reach you (RFC 2142): have them forwarded.`)
    if (reportsTo === undefined)
      notes.push(
        '--reports ADDRESS adds where DMARC and TLS reports go, and the TLS-RPT record, which is nothing without.',
      )
  }
  const [, domain] = reportsTo?.split('@') ?? []
  if (domain !== undefined && !isForeign(mailDomain) && !isBelow(domain, mailDomain) && !isBelow(mailDomain, domain)) {
    notes.push(
      `DMARC reports go to another domain, which has to agree: ${mailDomain}._report._dmarc.${domain} TXT "v=DMARC1" (RFC 7489 §7.1).`,
    )
  }
  if (!hostname.includes('.'))
    notes.push(`--hostname ${hostname} is no name in the public DNS: set one before anything is published.`)
  return notes
}

function isBelow(name: string, parent: string): boolean {
  return `.${name}`.toLowerCase().endsWith(`.${parent.toLowerCase()}`)
}
