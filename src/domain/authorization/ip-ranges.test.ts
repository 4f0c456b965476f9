import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { isInRange } from './ip-ranges.ts'

describe('ranges of IP addresses', () => {
  const rows: readonly (readonly [range: string, address: string, expected: boolean])[] = [
    ['203.0.113.0/24', '203.0.113.255', true],
    ['203.0.113.0/24', '203.0.114.0', false],
    ['203.0.113.7', '203.0.113.7', true],
    ['0.0.0.0/0', '198.51.100.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['127.0.0.0/8', '::ffff:127.0.0.1', true],
    ['2001:db8::/32', '2001:DB8:1::5', true],
    ['2001:db8::/32', '2001:db9::5', false],
    ['::/0', '::1', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['203.0.113.0/33', '203.0.113.0', false],
    ['203.0.113.0/', '203.0.113.0', false],
    ['203.0.113.0/-1', '203.0.113.0', false],
    ['203.0.113', '203.0.113.0', false],
    ['1::2::3', '1::3', false],
    ['1:2:3:4:5:6:7:8:9', '::1', false],
    ['::1', 'not an address', false],
  ]
  for (const [range, address, expected] of rows) {
    test(`${address} is ${expected ? '' : 'not '}in ${range}`, () => assert.equal(isInRange(range, address), expected))
  }

  test('agrees with Node on any network and address', () => {
    const v4 = fc.ipV4()
    const v6 = fc.ipV6().filter((text) => !text.includes('.'))
    const pair = fc.oneof(fc.tuple(v4, v4, fc.nat(32)), fc.tuple(v6, v6, fc.nat(128)))
    fc.assert(
      fc.property(pair, ([network, address, prefix]) => {
        const family = network.includes(':') ? 'ipv6' : 'ipv4'
        const list = new BlockList()
        list.addSubnet(network, prefix, family)
        assert.equal(isInRange(`${network}/${prefix}`, address), list.check(address, family))
      }),
      { numRuns: 300 },
    )
  })
})
