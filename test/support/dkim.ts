/** The key records of a domain's DKIM selectors, as they would stand in DNS behind its CNAMEs. */
import { keyRecord, readSigner } from '../../src/message/dkim/keys.ts'
import { platformSigner } from '../../src/domain/delivery/platform-key.ts'
import { SCOPE } from './stores.ts'
import type { TestApp } from './app.ts'

/** By name, as the resolver of mailauth answers: strings in pieces. */
export async function keyRecordOf(app: TestApp, domain: string): Promise<ReadonlyMap<string, string[][]>> {
  const identity = await app.services.store.identities.find(SCOPE, domain)
  const { tokens = [], privateKeys = [] } = identity?.dkim ?? {}
  const records = new Map<string, string[][]>()
  for (const [index, selector] of tokens.entries()) {
    const read = readSigner({ domain, selector, pem: privateKeys[index] ?? '' })
    if (read.ok) records.set(`${selector}._domainkey.${domain}`, [[keyRecord(read.value.key)]])
  }
  const platform = await platformSigner(app.services)
  if (platform !== undefined) {
    records.set(`${platform.selector}._domainkey.${platform.domain}`, [[keyRecord(platform.key)]])
  }
  return records
}
