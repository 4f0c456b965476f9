/** `npm run docs`: writes the pages of docs/ that are made from the code. test/docs.test.ts holds them to it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bouncesPage } from './docs-bounces.ts'
import { configurationPage } from './docs-configuration.ts'
import { errorsPage } from './docs-errors.ts'
import { operationsPage } from './docs-operations.ts'

/** File name in docs/ → its text. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'bounces.md': bouncesPage,
  'configuration.md': configurationPage,
  'errors.md': errorsPage,
  'operations.md': operationsPage,
}

if (import.meta.main) {
  for (const [name, page] of Object.entries(PAGES)) writeFileSync(join(import.meta.dirname, '../docs', name), page())
}
