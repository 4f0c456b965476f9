/** Records to be published in DNS, each with whose it is and what it is for. */

export type RecordType = 'A' | 'AAAA' | 'PTR' | 'MX' | 'TXT' | 'CNAME' | 'NS'

/** `required`: mail suffers without it. `recommended`: receivers look for it. `optional`: for those who want it. */
export type Need = 'required' | 'recommended' | 'optional'

/** `value`: in the form of a zone file, but for TXT, which is the text itself; names in it have no final dot. */
export type WantedRecord = {
  readonly name: string
  readonly type: RecordType
  readonly value: string
  readonly need: Need
  readonly why: string
}

/** Each record once, the first of those that are alike. */
export function distinct<R extends WantedRecord>(records: readonly R[]): readonly R[] {
  const seen = new Map<string, R>()
  for (const record of records) {
    const key = `${record.name} ${record.type} ${record.value}`
    if (!seen.has(key)) seen.set(key, record)
  }
  return [...seen.values()]
}
