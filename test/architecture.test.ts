import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { COMPOSERS, MAY_IMPORT, OUTSIDE, PACKAGES, REACHES } from './support/rooms.ts'

type Import = { readonly file: string; readonly room: string; readonly specifier: string; readonly isTest: boolean }

const ROOT = normalize(join(import.meta.dirname, '..'))
const FILES = globSync('src/**/*.ts', { cwd: ROOT }).toSorted()

/** `src/store/open.ts` → `store`; `src/app.ts` → `app`. */
function room(file: string): string {
  const [, first = ''] = file.split('/')
  return first.replace(/\.ts$/, '')
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const found = [
    ...text.matchAll(/(?:^(?:import|export) [^'`]*?\bfrom |^import |\bimport\(|new URL\()'([^']+)'/gm),
  ].map(([, specifier = '']) => specifier)
  return found.map((specifier) => ({ file, room: room(file), specifier, isTest: file.endsWith('.test.ts') }))
}

const IMPORTS = FILES.flatMap(importsOf)

describe('the structure of src/', () => {
  test('every room is in the table', () => {
    const known = new Set([...Object.keys(MAY_IMPORT), ...COMPOSERS, 'main'])
    assert.deepEqual(
      [...new Set(FILES.map(room))].filter((name) => !known.has(name)),
      [],
    )
  })

  test('imports between rooms flow only the way of the table', () => {
    const wrong = IMPORTS.filter(({ room: from, specifier, file, isTest }) => {
      if (!specifier.startsWith('.') || COMPOSERS.includes(from) || from === 'main') return false
      const target = relative(ROOT, join(ROOT, dirname(file), specifier))
      // A test beside its file may use the fakes of test/support.
      if (isTest && target.startsWith('test/')) return false
      const to = room(target)
      return to !== from && !(MAY_IMPORT[from] ?? []).includes(to)
    })
    assert.deepEqual(
      wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
      [],
    )
  })

  test('npm packages stay in the rooms that own them', () => {
    const wrong = IMPORTS.filter(({ room: from, specifier, isTest }) => {
      if (specifier.startsWith('.') || specifier.startsWith('node:') || isTest) return false
      return !(PACKAGES[specifier] ?? []).includes(from)
    })
    assert.deepEqual(
      wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
      [],
    )
  })

  test('sockets, DNS, the database and threads stay in the rooms that own them', () => {
    const wrong = IMPORTS.filter(({ room: from, specifier, isTest }) => {
      const owners = OUTSIDE[specifier]
      return owners !== undefined && !owners.includes(from) && !isTest
    })
    assert.deepEqual(
      wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
      [],
    )
  })

  test('nobody but platform/ and main.ts reaches for the clock, chance, the process or the network', () => {
    const wrong = FILES.filter(
      (file) => !['platform', 'main'].includes(room(file)) && !file.endsWith('.test.ts'),
    ).flatMap((file) => {
      const code = readFileSync(join(ROOT, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      return REACHES.filter((reach) => reach.test(code)).map((reach) => `${file} uses ${reach.source}`)
    })
    assert.deepEqual(wrong, [])
  })
})
