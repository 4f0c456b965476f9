/** The addresses that mail leaves from: as far as this machine can know them. */
import { addressKind, canonicalAddress } from '../../platform/addresses.ts'
import { ownAddresses } from '../../platform/own-addresses.ts'

/** `machine`: the public addresses of its interfaces, which is a guess; `nowhere`: it has none, as behind NAT. `given`: by whoever asks, or in the settings. */
export type Addresses = {
  readonly addresses: readonly string[]
  readonly from: 'given' | 'machine' | 'nowhere'
}

/** `given`: what whoever asks has said, if anything; `settings`: `--public-addresses`. */
export function sendingAddresses(
  given: readonly string[],
  settings: readonly string[],
  own = ownAddresses(),
): Addresses {
  const named = given.length > 0 ? given : settings
  if (named.length > 0) return { addresses: [...new Set(named.map(canonicalAddress))], from: 'given' }
  const addresses = [...new Set(own.filter((address) => addressKind(address) === 'public'))]
  return { addresses, from: addresses.length > 0 ? 'machine' : 'nowhere' }
}
