/** docs/configuration.md, made from the schema of the settings. */
import { configurationPage } from '../src/config/describe.ts'

export { configurationPage }

if (import.meta.main) process.stdout.write(configurationPage())
