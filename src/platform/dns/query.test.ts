import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import dnsPacket from 'dns-packet'
import fc from 'fast-check'
import { encodeAnswer, NOTHING, readQuery, type ServedRecord } from './query.ts'

const label = fc.string({
  unit: fc.constantFrom(...'abcXYZ019-_'),
  minLength: 1,
  maxLength: 63,
})
const name = fc
  .array(label, { minLength: 1, maxLength: 5 })
  .map((labels) => labels.join('.'))
  .filter((text) => text.length <= 253)
const type = fc.constantFrom(
  'A' as const,
  'AAAA' as const,
  'TXT' as const,
  'MX' as const,
  'NS' as const,
  'SOA' as const,
)

describe('a question', () => {
  test('is read as dns-packet wrote it, and given back as it was', () => {
    fc.assert(
      fc.property(name, type, fc.nat(0xffff), (asked, wanted, id) => {
        const query = readQuery(dnsPacket.encode({ type: 'query', id, questions: [{ name: asked, type: wanted }] }))
        assert.ok(query !== undefined)
        assert.deepEqual([query.id, query.name, query.type, query.fault], [id, asked.toLowerCase(), wanted, undefined])
        const answer = dnsPacket.decode(encodeAnswer(query, NOTHING, 'udp'))
        assert.deepEqual([answer.id, answer.type, answer.questions?.[0]?.name], [id, 'response', asked])
      }),
    )
  })

  test('may be anything at all', () => {
    const record: ServedRecord = { name: 'a.example', type: 'TXT', value: 'x'.repeat(300), ttl: 1 }
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      // A real one, with octets changed.
      fc
        .tuple(name, type, fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 5 }))
        .map(([asked, wanted, changes]) => {
          const packet = dnsPacket.encode({ type: 'query', id: 1, questions: [{ name: asked, type: wanted }] })
          for (const [at, value] of changes) if (at < packet.length) packet[at] = value
          return packet
        }),
    )
    fc.assert(
      fc.property(octets, (packet) => {
        const query = readQuery(Buffer.from(packet))
        if (query === undefined) return
        const answer = encodeAnswer(query, { ...NOTHING, records: [record] }, 'udp')
        assert.ok(answer.length <= 1232)
        // By UDP without EDNS no more than every path takes.
        if (query.edns === undefined) assert.ok(answer.length <= 512)
        assert.equal(answer.readUInt16BE(0), packet[0]! * 256 + packet[1]!)
      }),
      { numRuns: 2000 },
    )
  })
})
