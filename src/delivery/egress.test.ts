import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { familiesOf, hostsInOrder, localAddressFor, poolsOf } from './egress.ts'

const POOLS = poolsOf([
  { address: '192.0.2.1', name: 'a.example', pool: 'ses-shared-pool' },
  { address: '2001:db8::1', name: 'a.example', pool: 'ses-shared-pool' },
  { address: '192.0.2.2', name: 'b.example', pool: 'ses-shared-pool' },
  { address: '192.0.2.3', name: 'c.example', pool: 'news' },
])
const nameOf = (messageId: string, attempts = 0, pool?: string) =>
  hostsInOrder(POOLS, { messageId, attempts, pool })[0]?.name

describe('egress', () => {
  test('a message stays with one host, moves on after three attempts, and both hosts have their share', () => {
    const seen = new Set<string | undefined>()
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        seen.add(nameOf(id))
        assert.equal(nameOf(id, 2), nameOf(id))
        assert.notEqual(nameOf(id, 3), nameOf(id))
        assert.equal(nameOf(id, 6), nameOf(id))
      }),
    )
    assert.deepEqual(
      [...seen].toSorted((a = '', b = '') => a.localeCompare(b)),
      ['a.example', 'b.example'],
    )
  })

  test('a pool is kept to; one that has no addresses is the default one', () => {
    assert.equal(nameOf('x', 0, 'news'), 'c.example')
    assert.equal(nameOf('x', 0, 'none'), nameOf('x'))
    assert.equal(hostsInOrder(poolsOf([]), { messageId: 'x', attempts: 0, pool: 'news' })[0], undefined)
  })

  test('an address is called from one of its family', () => {
    const both = { name: 'a.example', addresses: ['192.0.2.1', '2001:db8::1'] }
    const four = { name: 'b.example', addresses: ['192.0.2.2'] }
    assert.deepEqual(
      [familiesOf(both), familiesOf(four), familiesOf({ ...four, addresses: [] })],
      [[4, 6], [4], [4, 6]],
    )
    assert.equal(localAddressFor(both, '2001:db8::9'), '2001:db8::1')
    assert.equal(localAddressFor(four, '2001:db8::9'), undefined)
  })
})
