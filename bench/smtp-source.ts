/** Postfix's own SMTP load generator. It knows no AUTH and no PIPELINING, so it can ask only servers that want neither. */
import type { Lab } from './lab.ts'
import type { Target } from './servers/server.ts'

/** Runs for about `seconds`: it takes a number of messages, which `expected` (a rate) gives. Gives messages a second. */
export async function runSmtpSource(
  lab: Lab,
  smtpSource: string,
  { host, port }: Target,
  load: {
    readonly sessions: number
    readonly isNewEachTime: boolean
    readonly seconds: number
    readonly expected: number
  },
): Promise<number> {
  const { sessions, isNewEachTime, seconds, expected } = load
  const messages = Math.max(sessions * 5, Math.round(expected * seconds))
  const kept = isNewEachTime ? [] : ['-d']
  const sizes = ['-s', String(sessions), '-m', String(messages), '-l', '2048']
  const args = [...kept, ...sizes, '-f', 'sender@bench.example', '-t', 'reader@dest.example', `${host}:${port}`]
  const startedAt = performance.now()
  const { code, err } = await lab.run(smtpSource, args, seconds * 10_000 + 10_000)
  // Killed: what it did until then is not known.
  if (code !== 0) throw new Error(`smtp-source failed: ${err}`)
  return messages / ((performance.now() - startedAt) / 1000)
}
