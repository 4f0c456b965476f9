import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKind, canonicalAddress, reverseName, shortAddress } from './addresses.ts'

const KINDS: Record<string, readonly string[]> = {
  public: [
    '8.8.8.8',
    '1.0.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '2a00:1450:4001::1b',
    '64:ff9b::8.8.8.8',
    '2002:808:808::1',
  ],
  loopback: [
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
  ],
  private: [
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    'fd00::1',
    'fc00::1',
    '2002:a00:1::1',
  ],
  'link-local': ['169.254.169.254', 'fe80::1%eth0', '::ffff:169.254.169.254'],
  multicast: ['224.0.0.1', '239.1.1.1', 'ff02::1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  reserved: [
    '255.255.255.255',
    '240.0.0.1',
    '192.0.2.1',
    '2001:db8::1',
    '2001:0:53aa::1',
    '100::1',
    '::8.8.8.8',
    '1.2.3',
    'x',
  ],
}

for (const [kind, addresses] of Object.entries(KINDS)) {
  test(`${kind} addresses are known in every spelling`, () => {
    for (const address of addresses) assert.equal(addressKind(address), kind, address)
  })
}

test('an address has one spelling', () => {
  assert.equal(canonicalAddress('2A00::0001'), canonicalAddress('2a00:0:0:0:0:0:0:1'))
  assert.equal(canonicalAddress('::ffff:127.0.0.2'), '127.0.0.2')
  assert.equal(canonicalAddress('::ffff:7f00:2'), '127.0.0.2')
})

test('an address has a name in the reverse tree', () => {
  assert.equal(reverseName('192.0.2.1'), '1.2.0.192.in-addr.arpa')
  assert.equal(reverseName('::ffff:192.0.2.1'), '1.2.0.192.in-addr.arpa')
  assert.equal(
    reverseName('2001:db8::567:89ab'),
    'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  )
})

test('an address is told as people write it', () => {
  assert.equal(shortAddress('2001:db8:0:0:0:0:0:1'), '2001:db8::1')
  assert.equal(shortAddress('192.0.2.1'), '192.0.2.1')
})
