/** The key records of a domain's DKIM selectors, as they would stand in DNS behind its CNAMEs. */
import { keyRecord, readSigner } from '../../src/message/dkim/keys.ts'
import { platformRecords } from '../../src/domain/delivery/platform-key.ts'
import { SCOPE } from './stores.ts'
import type { TestApp } from './app.ts'

/** By name, as the resolver of mailauth answers: strings in pieces. */
export async function keyRecordOf(app: TestApp, domain: string): Promise<ReadonlyMap<string, string[][]>> {
  const identity = await app.services.store.identities.find(SCOPE, domain)
  const records = new Map<string, string[][]>()
  for (const { selector, pem } of identity?.dkim.keys ?? []) {
    const read = readSigner({ domain, selector, pem })
    if (read.ok) records.set(`${selector}._domainkey.${domain}`, [[keyRecord(read.value.key)]])
  }
  for (const { name, value } of await platformRecords(app.services)) records.set(name, [[value]])
  return records
}
