import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { PAGES } from '../scripts/docs.ts'

describe('pages made from the code', () => {
  for (const [name, page] of Object.entries(PAGES)) {
    test(`docs/${name} is what \`npm run docs\` writes`, () => {
      assert.equal(readFileSync(join(import.meta.dirname, '../docs', name), 'utf8'), page())
    })
  }
})
