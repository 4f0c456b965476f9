/** A zone file (RFC 1035 §5.1), as far as ours go, read into the table that test DNS answers from. */
import assert from 'node:assert/strict'
import type { Records, Zone } from './dns.ts'

const LINE = /^(?<name>\S+)\. \d+ IN (?<type>[A-Z]+) (?<value>.+)$/

/** Comments are passed over, but for PTR records, which are published all the same. Throws on a line that is none. */
export function readZone(text: string): Zone {
  const zone: Zone = {}
  for (const line of text.split('\n').map((each) => each.replace(/^; (?=\S+\.arpa\. )/, ''))) {
    if (line === '' || line.startsWith(';')) continue
    const { name = '', type = '', value = '' } = LINE.exec(line)?.groups ?? assert.fail(`no record: ${line}`)
    const before = zone[name.toLowerCase()] ?? {}
    assert.ok(before !== 'servfail')
    zone[name.toLowerCase()] = { ...before, ...added(before, type, value) }
  }
  return zone
}

function added(before: Records, type: string, value: string): Records {
  const bare = value.replace(/\.$/, '')
  switch (type) {
    case 'A':
      return { a: [...(before.a ?? []), value] }
    case 'AAAA':
      return { aaaa: [...(before.aaaa ?? []), value] }
    case 'MX':
      return { mx: [...(before.mx ?? []), bare] }
    case 'PTR':
      return { ptr: [...(before.ptr ?? []), bare] }
    case 'CNAME':
      return { cname: bare }
    case 'TXT':
      return { txt: [...(before.txt ?? []), joined(value)] }
    default:
      return assert.fail(`an unknown type: ${type}`)
  }
}

function joined(value: string): string {
  const strings = [...value.matchAll(/"((?:[^"\\]|\\.)*)"(?: |$)/g)]
  assert.equal(strings.map(([all]) => all).join(''), value)
  const texts = strings.map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'))
  assert.ok(texts.every((text) => text.length <= 255))
  return texts.join('')
}
