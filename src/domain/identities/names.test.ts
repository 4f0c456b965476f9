import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  domainAndParents,
  isDomainName,
  isSubdomain,
  parseAddressName,
  parseDomainName,
  storedName,
  withoutLabel,
} from './names.ts'

describe('a domain name', () => {
  test('is letters, digits and hyphens in labels of at most 63, 255 in all', () => {
    const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}`
    for (const good of [
      'example.com',
      'a.b.c.example.com',
      'xn--bcher-kva.example',
      '1and1.de',
      'EXAMPLE.com',
      longest,
    ]) {
      assert.ok(isDomainName(good), good)
    }
  })

  test('is nothing else', () => {
    const bad = [
      '',
      'com',
      '.',
      'example.com.',
      '.example.com',
      'example..com',
      '-a.example.com',
      'a-.example.com',
      'bücher.example',
      'exa mple.com',
      'a_b.example.com',
      '127.0.0.1',
      'user@example.com',
      `${'a'.repeat(64)}.com`,
      `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.e`,
      'example.com\n',
    ]
    for (const each of bad) assert.ok(!isDomainName(each), JSON.stringify(each))
  })

  test('is kept in lower case', () => {
    assert.deepEqual(parseDomainName('Example.COM'), { name: 'example.com', kind: 'DOMAIN', domain: 'example.com' })
  })

  test('that is taken stays the same when it is taken again', () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        const once = parseDomainName(domain)
        return once === undefined || parseDomainName(once.name)?.name === once.name
      }),
    )
  })
})

describe('an address', () => {
  test('keeps its local part as typed, and its domain in lower case', () => {
    assert.deepEqual(parseAddressName('Ann.B@Example.COM'), {
      name: 'Ann.B@example.com',
      kind: 'EMAIL_ADDRESS',
      domain: 'example.com',
    })
  })

  test('may be at a host of one label, and may have a quoted local part', () => {
    assert.equal(parseAddressName('a@b')?.name, 'a@b')
    assert.equal(parseAddressName('"a@b"@example.com')?.name, '"a@b"@example.com')
  })

  test('is a bare address and no more', () => {
    const bad = [
      '',
      'fake_email',
      'Ann <ann@example.com>',
      '<ann@example.com>',
      '@example.com',
      'ann@',
      'ann@@example.com',
      'a b@example.com',
      'ann@exa mple.com',
      'ann@bücher.example',
      'änn@example.com',
      'ann@example.com, bob@example.com',
      `${'a'.repeat(320)}@example.com`,
    ]
    for (const each of bad) assert.equal(parseAddressName(each), undefined, each)
  })
})

test('a name is looked up by its domain in lower case', () => {
  assert.equal(storedName('Ann@EXAMPLE.com'), 'Ann@example.com')
  assert.equal(storedName('EXAMPLE.com'), 'example.com')
})

test('the parents of a domain come the nearest first', () => {
  assert.deepEqual(domainAndParents('a.b.example.com'), ['a.b.example.com', 'b.example.com', 'example.com', 'com'])
})

test('a subdomain lies below, at a dot', () => {
  assert.ok(isSubdomain('mail.example.com', 'example.com'))
  assert.ok(!isSubdomain('example.com', 'example.com'))
  assert.ok(!isSubdomain('mailexample.com', 'example.com'))
})

test('a label begins at the first plus, unless the local part is quoted', () => {
  assert.equal(withoutLabel('user+a+b'), 'user')
  assert.equal(withoutLabel('user'), undefined)
  assert.equal(withoutLabel('+a'), undefined)
  assert.equal(withoutLabel('"user+a"'), undefined)
})
