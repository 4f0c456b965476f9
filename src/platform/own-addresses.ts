/** The addresses of this machine: mail that leads to them would come back to us. */
import { networkInterfaces } from 'node:os'
import { canonicalAddress } from './addresses.ts'

export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => canonicalAddress(address)))
}
