import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { MODELS } from '../model/load.ts'
import { canonicalHeaders, canonicalPath, canonicalQuery } from './canonical.ts'
import { matchPath } from './router.ts'

function found(method: string, path: string): [string, readonly string[]] | undefined {
  const match = matchPath(method, path)
  return match && [match.operation.name, match.labels]
}

describe('the routes of v2', () => {
  test('every operation is found by its own template', () => {
    for (const [name, { method = '', path = '' }] of Object.entries(MODELS.v2.operations)) {
      const labels = [...path.matchAll(/\{(\w+)\}/g)].map(([, label]) => `a%2F${label}`)
      const filled = path.replaceAll(/\{(\w+)\}/g, 'a%2F$1')
      assert.deepEqual(found(method, filled), [name, labels])
      assert.deepEqual(found(method, filled.replace(/\/?$/, '/')), [name, labels], 'a final slash makes no difference')
    }
  })

  test('what is written out goes before a label, and yields where nothing fits', () => {
    assert.deepEqual(found('POST', '/v2/email/import-jobs/list'), ['ListImportJobs', []])
    assert.deepEqual(found('GET', '/v2/email/import-jobs/list'), ['GetImportJob', ['list']])
  })

  test('other paths and methods are not found', () => {
    for (const path of [
      '/v2',
      '/v2/',
      '/v2/email',
      '/v2/email/nonsense',
      '/v2/email//identities',
      '/v2/email/identities/a/b/c',
      '/V2/email/account',
    ]) {
      assert.equal(found('GET', path), undefined, path)
    }
    assert.equal(found('PATCH', '/v2/email/account'), undefined)
    assert.equal(found('HEAD', '/v2/email/account'), undefined)
    assert.equal(found('get', '/v2/email/account'), undefined)
    assert.equal(found('GET', '/v2/email/toString'), undefined)
  })

  test('any path is found or not', () => {
    const segment = fc.constantFrom(
      'v2',
      'email',
      'identities',
      'templates',
      'render',
      '',
      '..',
      '__proto__',
      '%zz',
      'x',
    )
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
        fc.array(segment, { maxLength: 20 }),
        (method, segments) => {
          matchPath(method, `/${segments.join('/')}`)
        },
      ),
    )
  })
})

describe('canonical requests', () => {
  test('a path is encoded a second time, and normalised', () => {
    assert.equal(canonicalPath('/'), '/')
    assert.equal(canonicalPath('/v2/email/account'), '/v2/email/account')
    assert.equal(canonicalPath('/v2/email/identities/a%40b'), '/v2/email/identities/a%2540b')
    assert.equal(canonicalPath("/a b/(c)'!*"), '/a%20b/%28c%29%27%21%2A')
    assert.equal(canonicalPath('//a/./b/../c/'), '/a/c/')
    assert.equal(canonicalPath('/../..'), '/')
  })

  test('parameters are sorted by name and value, and encoded alike', () => {
    assert.equal(canonicalQuery('b=2&a=%7e&b=1&c&a=x%20y&X-Amz-Signature=s'), 'a=x%20y&a=~&b=1&b=2&c=')
    assert.equal(canonicalQuery('q=a+b&Q=%2B&=x'), '=x&Q=%2B&q=a%20b')
    assert.equal(canonicalQuery('&&'), '')
  })

  test('header values are trimmed, and spaces within are one', () => {
    const headers = new Map([
      ['host', 'h'],
      ['x', '  a   b  '],
    ])
    assert.equal(canonicalHeaders(headers, ['host', 'x', 'y']), 'host:h\nx:a b\ny:\n')
  })
})
