/** The bare HTTP server, as the benchmark sees it. */
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { sendEmail, signedRequest } from '../generator/requests.ts'
import type { Lab } from '../lab.ts'
import { pidOf, type Server, type Target } from './server.ts'
import type { Sesame } from './sesame.ts'

/** `headers`: names and values in turn, as they were on the wire. */
export type Answer = { readonly status: number; readonly headers: readonly string[]; readonly body: string }
export type Answers = { readonly v1: Answer; readonly v2: Answer }

/** Starts a server that answers as Sesame does, octet for octet. */
export async function startBare(lab: Lab, sesame: Sesame): Promise<Server & { readonly http: Target }> {
  const answers: Answers = { v1: await answerOf(sesame, 'v1'), v2: await answerOf(sesame, 'v2') }
  const child = lab.start(process.execPath, [join(import.meta.dirname, 'bare-http.ts'), JSON.stringify(answers)])
  const { stdout } = child
  if (stdout === null) throw new Error('no output')
  const [line] = (await once(stdout, 'data')) as [Buffer]
  return {
    http: { host: '127.0.0.1', port: Number(line.toString()) },
    pids: [pidOf(child)],
    stop: () => lab.stop(child),
  }
}

/** Those that Node writes itself. */
const ITS_OWN = new Set(['connection', 'date', 'keep-alive'])

async function answerOf({ url }: Sesame, surface: 'v1' | 'v2'): Promise<Answer> {
  const [head = '', body = ''] = signedRequest(url, sendEmail(surface, 0)).toString('latin1').split('\r\n\r\n')
  const [, ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  const sent = request(new URL(sendEmail(surface, 0).path, url), { method: 'POST', headers })
  sent.end(body)
  const [response] = await once(sent, 'response')
  const raw = response.rawHeaders as readonly string[]
  const kept = raw.flatMap((name, index) =>
    index % 2 === 0 && !ITS_OWN.has(name.toLowerCase()) ? [name, raw[index + 1] ?? ''] : [],
  )
  const answer = { status: response.statusCode as number, headers: kept, body: await text(response) }
  if (answer.status !== 200) throw new Error(`Sesame refuses what is to be measured: ${answer.status} ${answer.body}`)
  return answer
}
