/** Calling an SMTP server to hear its greeting, no more. */
import type { Clock, Dial, DialTarget } from '../../platform/platform.ts'

/** For the connection and the greeting together. Long enough for those who make strangers wait. */
export const WAIT_MS = 15_000
const MAX_OCTETS = 4096

/** `line`: the first line of the greeting. */
export type Greeting = { readonly line: string } | { readonly failed: string }

export async function greetingOf(
  { dial, wallClock }: { readonly dial: Dial; readonly wallClock: Clock },
  target: DialTarget,
): Promise<Greeting> {
  const giveUp = new AbortController()
  const { promise: late, resolve: isLate } = Promise.withResolvers<Greeting>()
  const cancel = wallClock.after(WAIT_MS, () => {
    giveUp.abort()
    isLate({ failed: 'ETIMEDOUT' })
  })
  const wire = await dial(target, giveUp.signal)
  if (typeof wire === 'string') {
    cancel()
    return { failed: wire }
  }
  const { promise: heard, resolve } = Promise.withResolvers<Greeting>()
  let text = ''
  wire.listen({
    data(octets) {
      text += octets.toString('latin1')
      const end = text.indexOf('\n')
      if (end >= 0) resolve({ line: printable(text.slice(0, end)) })
      else if (text.length > MAX_OCTETS) resolve({ failed: 'no SMTP server' })
    },
    drained() {},
    closed: (code) => resolve({ failed: code ?? 'it hung up' }),
  })
  const greeting = await Promise.race([heard, late])
  cancel()
  wire.finish('line' in greeting ? 'QUIT\r\n' : '')
  return greeting
}

function printable(line: string): string {
  return line
    .trimEnd()
    .replaceAll(/[^ -~]/g, '?')
    .slice(0, 200)
}
