/** A table of rows as tests: all of it is played at once, and each row is a test of what was to be seen of it. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type BoxOptions, play, type Played } from './box.ts'
import type { Row } from './rows.ts'
import { checkRow, expectedStatistics } from './verdict.ts'

export function describeRows(title: string, rows: readonly Row[], options?: BoxOptions): void {
  describe(title, () => {
    let played: Played | undefined
    before(async () => {
      assert.equal(new Set(rows.map(({ domain }) => domain)).size, rows.length, 'each row has a domain of its own')
      played = await play(rows, options)
    })
    for (const row of rows) {
      test(`${row.domain} ${row.does}`, () => {
        const found = played?.seen.get(row)
        assert.ok(found !== undefined, 'was not played')
        checkRow(row, found)
      })
    }
    test('has its recipients, bounces and complaints counted', () => {
      assert.deepEqual(played?.statistics, expectedStatistics(rows))
    })
  })
}
