import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EVERYTHING, KINDS, createAnnouncements, decodeChanges, encodeChanges } from './changes.ts'
import type { Change } from './changes.ts'
import { keptLog } from '../../test/support/stores.ts'

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...KINDS),
  account: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
  region: fc.option(fc.string(), { nil: undefined }),
  name: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
})

describe('a notice of changes', () => {
  test('tells what it was made of, each once', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const told = decodeChanges(encodeChanges([...changes, ...changes]))
        assert.deepEqual(new Set(told.map((each) => JSON.stringify(each))).size, told.length)
        const asTold = (each: Change) => JSON.stringify([each.kind, each.account, each.region, each.name])
        assert.deepEqual(new Set(told.map(asTold)), new Set(changes.map(asTold)))
      }),
    )
  })

  test('is never longer than PostgreSQL takes, and tells too much rather than too little', () => {
    const many = Array.from({ length: 300 }, (_, index): Change => ({
      kind: 'identities',
      name: `ü${index}.example.com`,
    }))
    const text = encodeChanges([...many, { kind: 'keys', name: 'A' }])
    assert.ok(Buffer.byteLength(text) < 8000)
    assert.deepEqual(
      decodeChanges(text).map(({ kind, name }) => [kind, name]),
      [
        ['identities', undefined],
        ['keys', undefined],
      ],
    )
  })

  test('that cannot be understood stands for everything', () => {
    for (const text of ['', '{', '7', 'null', '{"kind":"keys"}']) assert.deepEqual(decodeChanges(text), EVERYTHING)
    assert.deepEqual(decodeChanges('[["templates","000000000000"],7]'), [{ kind: 'all' }, { kind: 'all' }])
  })
})

test('a listener that fails keeps nobody else from hearing', () => {
  const log = keptLog()
  const { tell, onChange } = createAnnouncements(log)
  const heard: (readonly Change[])[] = []
  onChange(() => {
    throw new Error('a bug')
  })
  const stop = onChange((changes) => void heard.push(changes))
  tell(EVERYTHING)
  stop()
  tell(EVERYTHING)
  assert.deepEqual(heard, [EVERYTHING])
  assert.equal(log.lines.length, 2)
})

/** The tables whose rows caches keep. */
const KEPT = [
  'accounts',
  'account_settings',
  'access_keys',
  'identities',
  'identity_policies',
  'configuration_sets',
  'suppressions',
]

test('every file that writes what caches keep makes its commands such that they say what they change', () => {
  const files = globSync('*.ts', { cwd: import.meta.dirname }).filter((file) => !file.endsWith('.test.ts'))
  const writes = new RegExp(`\\b(?:insert into|update|delete from) (?:${KEPT.join('|')})\\b`)
  const writers = files.filter((file) => writes.test(readFileSync(new URL(file, import.meta.url), 'utf8')))
  assert.deepEqual(writers.toSorted(), [
    'accounts.ts',
    'configuration-sets.ts',
    'identities.ts',
    'identity-policies.ts',
    'keys.ts',
    'suppressions.ts',
  ])
  for (const file of [...writers, 'commands.ts']) {
    assert.doesNotMatch(readFileSync(new URL(file, import.meta.url), 'utf8'), /\bcommand\(/, file)
  }
})
