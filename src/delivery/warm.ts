/** Which of our addresses a message may leave from, where some of them are being warmed up. */
import { type EgressChoice, hostsInOrder, type Pools } from './egress.ts'
import type { Egress } from './target.ts'

/** What others have seen little mail from gets a limit for each day and site. */
export type Warmup = {
  readonly isWarming: (address: string) => boolean
  /** Takes room for recipients at a site today; false: there is none. */
  readonly take: (address: string, site: string, recipients: number) => Promise<boolean>
  /** They were not offered to the site from there. */
  readonly giveBack: (address: string, site: string, recipients: number) => void
}

/** `taken`: the addresses that room was taken at, of which one is used at most. */
export type Chosen = { readonly egress: Egress; readonly taken: readonly string[] }

/**
 * The first host of the pool, in the message's order, whose addresses all have room for so many recipients at the
 * site. A host is taken whole: without one of its addresses it might reach nobody. `full`: none has.
 */
export async function chooseWarm(
  pools: Pools,
  choice: EgressChoice,
  warmup: Warmup,
  { siteOf, recipients }: { readonly siteOf: () => Promise<string>; readonly recipients: number },
): Promise<Chosen | 'full' | undefined> {
  const hosts = hostsInOrder(pools, choice)
  for (const egress of hosts) {
    const warming = egress.addresses.filter((address) => warmup.isWarming(address))
    if (warming.length === 0) return { egress, taken: [] }
    const site = await siteOf()
    const taken: string[] = []
    for (const address of warming) if (await warmup.take(address, site, recipients)) taken.push(address)
    if (taken.length === warming.length) return { egress, taken }
    for (const address of taken) warmup.giveBack(address, site, recipients)
  }
  return hosts.length === 0 ? undefined : 'full'
}
