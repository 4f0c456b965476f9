/** wrk, an HTTP load generator in C that is not ours: whether it sees the same. https://github.com/wg/wrk */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RequestPool } from './generator/requests.ts'
import { find, type Lab } from './lab.ts'
import type { Target } from './servers/server.ts'

export type Judged = { readonly rate: number; readonly p50Ms: number; readonly p99Ms: number; readonly refused: number }

const POOL = 1024
const SLACK_MS = 15_000

/** Its requests are raw, signed by us beforehand: a signature holds for five minutes, a run lasts seconds. */
const SCRIPT = `
local file = io.open(os.getenv("REQUESTS"), "rb")
local requests = {}
for one in file:read("*a"):gmatch("(.-)%z%z") do requests[#requests + 1] = one end
file:close()
local index = 0
request = function()
  index = index % #requests + 1
  return requests[index]
end
`

/** undefined: it is not installed. */
export function findWrk(lab: Lab): Promise<string | undefined> {
  return find(lab, 'wrk')
}

export async function runWrk(
  lab: Lab,
  wrk: string,
  { host, port }: Target,
  surface: 'v1' | 'v2',
  load: { readonly connections: number; readonly seconds: number },
): Promise<Judged> {
  const folder = lab.folder('wrk')
  const [script, requests] = [join(folder, 'script.lua'), join(folder, 'requests')]
  const url = `http://${host}:${port}`
  writeFileSync(script, SCRIPT)
  writeFileSync(
    requests,
    new RequestPool(url, surface, POOL)
      .all()
      .map((one) => `${one.toString('latin1')}\0\0`)
      .join(''),
    'latin1',
  )
  const args = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--latency', '-s', script, url]
  const limitMs = load.seconds * 1000 + SLACK_MS
  const { code, out, err } = await lab.run(wrk, args, limitMs, { env: { ...process.env, REQUESTS: requests } })
  if (code !== 0) throw new Error(`wrk failed: ${err}`)
  return {
    rate: Number(/^Requests\/sec: +(\S+)/m.exec(out)?.[1]),
    p50Ms: milliseconds(/^ +50% +(\S+)/m.exec(out)?.[1]),
    p99Ms: milliseconds(/^ +99% +(\S+)/m.exec(out)?.[1]),
    refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0),
  }
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

/** `1.23ms` → 1.23 */
function milliseconds(text = ''): number {
  const [, value, unit = ''] = /^([\d.]+)(\D+)$/.exec(text) ?? []
  return Number(value) * (UNITS[unit] ?? Number.NaN)
}
