/** Names of identities: what SES takes as an address or a domain, and which spellings mean the same one. */
import { parseMailbox } from '../../message/addresses.ts'
import type { Identity, Scope } from '../../store/types.ts'

export type IdentityName = {
  /** As it is stored: a domain in lower case, an address with its domain in lower case and its local part as typed. */
  readonly name: string
  readonly kind: Identity['kind']
  /** The domain itself, or the domain of the address; in lower case. */
  readonly domain: string
}

// RFC 1035 §2.3.4, as the guide has it ("Creating and verifying identities").
const LONGEST_LABEL = 63
const LONGEST_DOMAIN = 255
// RFC 3696 erratum 1690: 64 octets, the @ and 255 octets.
const LONGEST_ADDRESS = 320

const LABEL = /^[a-z0-9-]+$/

/**
 * Whether `text` is a domain name in letters, digits and hyphens; internationalized names in their `xn--` form.
 * A domain identity has two labels at least, and is no IP address; an address may be at a host of one label.
 */
export function isDomainName(text: string, fewestLabels = 2): boolean {
  if (text.length > LONGEST_DOMAIN) return false
  const labels = text.toLowerCase().split('.')
  return labels.length >= fewestLabels && labels.every(isLabel) && !/^\d+$/.test(labels.at(-1) ?? '')
}

function isLabel(label: string): boolean {
  return label.length <= LONGEST_LABEL && LABEL.test(label) && !label.startsWith('-') && !label.endsWith('-')
}

/** A bare address (`user@example.com`, no display name, no angle brackets); undefined when it is none. */
export function parseAddressName(text: string): IdentityName | undefined {
  if (text.length > LONGEST_ADDRESS) return undefined
  const parsed = parseMailbox(text)
  if (!parsed.ok || parsed.value.address !== text) return undefined
  const { localPart, domain } = parsed.value
  // A host of one label is taken too: SES accepts `a@b` (observed).
  if (!isDomainName(domain, 1)) return undefined
  return { name: `${localPart}@${domain.toLowerCase()}`, kind: 'EMAIL_ADDRESS', domain: domain.toLowerCase() }
}

export function parseDomainName(text: string): IdentityName | undefined {
  if (!isDomainName(text)) return undefined
  const name = text.toLowerCase()
  return { name, kind: 'DOMAIN', domain: name }
}

/** The name that `text` would be stored under, whether it could be an identity or not: for looking one up. */
export function storedName(text: string): string {
  const at = text.lastIndexOf('@') + 1
  return text.slice(0, at) + text.slice(at).toLowerCase()
}

/** An identity by its name or its ARN (v1 takes either in some calls); undefined when the ARN is not of the caller's. */
export function ownedName({ account, region }: Scope, identity: string): string | undefined {
  if (!identity.startsWith('arn:')) return storedName(identity)
  const [, , service, inRegion, inAccount, ...rest] = identity.split(':')
  const resource = rest.join(':')
  const isOwned = service === 'ses' && inRegion === region && inAccount === account && resource.startsWith('identity/')
  return isOwned ? storedName(resource.slice('identity/'.length)) : undefined
}

/** The domain itself, or the domain of the address. */
export function domainOf(name: string): string {
  return name.slice(name.lastIndexOf('@') + 1)
}

/** `a.b.example.com` → itself, `b.example.com`, `example.com`, `com`. Of a text too long for a domain name, nothing. */
export function domainAndParents(domain: string): readonly string[] {
  // A sender of a million labels is looked up before its length is checked: its parents would be gigabytes.
  if (domain.length > LONGEST_DOMAIN) return []
  const labels = domain.split('.')
  return labels.map((_, index) => labels.slice(index).join('.'))
}

/** Whether `domain` lies below `parent`; no domain lies below itself. Both in lower case. */
export function isSubdomain(domain: string, parent: string): boolean {
  return domain.endsWith(`.${parent}`)
}

/** `user+label` → `user`; undefined where there is no label. A quoted local part has none. */
export function withoutLabel(localPart: string): string | undefined {
  const plus = localPart.indexOf('+')
  return plus > 0 && !localPart.startsWith('"') ? localPart.slice(0, plus) : undefined
}
