/** A process for migrations.test.ts: opens a store, and closes it again. */
import { openStore } from '../../src/store/open.ts'
import { keptLog } from './stores.ts'

const [database] = process.argv.slice(2)
const store = await openStore({ database: database!, log: keptLog() })
await store.accounts.list()
await store.close()
