/** `npm run keep-schema`, at each release that changes the schema: keeps it for the tests of later versions. */
import { keepSchema } from '../test/support/schemas.ts'

for (const path of await keepSchema()) console.log(path)
process.exit()
