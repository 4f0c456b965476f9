/** A load generator: `node main.ts SPEC` drives a server as the JSON says, and prints its {@link Result} as JSON. */
import { driveHttp } from './http.ts'
import { driveSmtp } from './smtp.ts'
import type { Spec } from './spec.ts'
import { Tally } from './tally.ts'

const CHECK_MS = 5

const spec = JSON.parse(process.argv[2] ?? '') as Spec
const tally = new Tally(spec)
if (spec.kind === 'http') driveHttp(spec, tally)
else driveSmtp(spec, tally)

setTimeout(() => {
  tally.begin()
  setTimeout(finish, spec.measureMs)
}, spec.warmMs)

const { messages } = spec
if (messages !== undefined) setInterval(() => tally.acceptedInAll >= messages && finish(), CHECK_MS)

function finish(): void {
  process.stdout.write(`${JSON.stringify(tally.end())}\n`, () => process.exit(0))
}
