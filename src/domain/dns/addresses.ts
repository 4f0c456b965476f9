/** The addresses that mail leaves from: as far as this machine can know them. */
import { addressKind, canonicalAddress } from '../../platform/addresses.ts'
import type { Config } from '../../config/config.ts'
import { ownAddresses } from '../../platform/own-addresses.ts'

/** `machine`: the public addresses of its interfaces, which is a guess; `nowhere`: it has none, as behind NAT. `given`: by whoever asks, or in the settings. */
export type Addresses = {
  readonly addresses: readonly string[]
  readonly from: 'given' | 'machine' | 'nowhere'
}

/** The name of an address in EHLO, and so in its PTR record. */
export function ehloName({ egress, hostname }: Pick<Config, 'egress' | 'hostname'>, address: string): string {
  const own = egress.find((each) => canonicalAddress(each.address) === canonicalAddress(address))
  return own?.name ?? hostname
}

/** `given`: what whoever asks has said, if anything; else what the settings say (`--public-addresses`, `--egress`). */
export function sendingAddresses(
  given: readonly string[],
  { publicAddresses, egress }: Pick<Config, 'publicAddresses' | 'egress'>,
  own = ownAddresses(),
): Addresses {
  const leaving = egress.map(({ address }) => address)
  const named = [given, publicAddresses, leaving].find((each) => each.length > 0) ?? []
  if (named.length > 0) return { addresses: [...new Set(named.map(canonicalAddress))], from: 'given' }
  const addresses = [...new Set(own.filter((address) => addressKind(address) === 'public'))]
  return { addresses, from: addresses.length > 0 ? 'machine' : 'nowhere' }
}
