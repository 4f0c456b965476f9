/** The mail of the torture: each message has a mark that comes nowhere else, and an end by which one sees that it is whole. */
import { randomUUID } from 'node:crypto'
import type { Chance } from './chance.ts'

export const SENDER = 'sender@example.com'
export const SURFACES = ['v1', 'v2', 'smtp'] as const

export type Mail = {
  readonly surface: (typeof SURFACES)[number]
  readonly mark: string
  readonly to: readonly string[]
  readonly text: string
}

/** What a client was told: the message with its id. */
export type Accepted = { readonly mail: Mail; readonly messageId: string; readonly round: number }

const LINE = `${'All work and no play makes Jack a dull boy. '.repeat(20)}\r\n`

export function makeMail(chance: Chance, largest: number): Mail {
  const mark = `mark-${randomUUID()}`
  const names = Array.from({ length: 1 + chance.below(3) }, (_, index) => `${mark}-${index}`)
  // Mostly short. The lengths of the long ones are anywhere up to the largest.
  const size = chance.below(10) === 0 ? chance.below(largest) : chance.below(2_000)
  return {
    surface: chance.pick(SURFACES),
    mark,
    to: names.map((name) => `${name}@${chance.pick(['example.org', 'example.net', 'example.edu'])}`),
    text: `${LINE.repeat(Math.ceil(size / LINE.length))}${endOf(mark)}\r\n`,
  }
}

export function endOf(mark: string): string {
  return `End of ${mark}.`
}
