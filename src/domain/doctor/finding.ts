/** What a check comes to. */
import type { DnsAnswer } from '../../platform/platform.ts'

/** `problem`: mail is lost, refused or insecure for it. `warning`: it may be, or nobody could tell. */
export type Level = 'ok' | 'warning' | 'problem'

export type Finding = {
  readonly check: string
  /** Which name, address or file. */
  readonly subject: string
  readonly level: Level
  /** What is there. */
  readonly found: string
  /** What to do about it; null: nothing. */
  readonly advice: string | null
}

/** Writes the findings of one check. */
export type Reporter = {
  readonly ok: (subject: string, found: string) => Finding
  readonly warning: (subject: string, found: string, advice: string) => Finding
  readonly problem: (subject: string, found: string, advice: string) => Finding
}

export function reporter(check: string): Reporter {
  return {
    ok: (subject, found) => ({ check, subject, level: 'ok', found, advice: null }),
    warning: (subject, found, advice) => ({ check, subject, level: 'warning', found, advice }),
    problem: (subject, found, advice) => ({ check, subject, level: 'problem', found, advice }),
  }
}

/** Why an answer has no records; undefined: it has. */
export function lackOf(answer: DnsAnswer<unknown>): string | undefined {
  if (answer.kind === 'found') return undefined
  if (answer.kind === 'temporary') return `no answer from DNS (${answer.reason})`
  return answer.why === 'no-such-host' ? 'there is no such name' : 'there is no such record'
}

/** What to do when DNS does not answer. */
export const ASK_AGAIN = 'See that the resolver works (--dns, /etc/resolv.conf), and run the doctor again.'

export function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
