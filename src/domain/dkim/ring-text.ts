/** Keys as they are kept in a secret. */
import type { DkimKey } from '../../store/types.ts'
import type { Ring } from './ring.ts'

const ALGORITHMS = ['rsa', 'ed25519'] as const
const STATES = ['pending', 'active', 'retired', 'withdrawn'] as const
const PUBLISHERS = ['owner', 'operator'] as const

/** Throws an Error when it is no list of keys; its words do not show any. */
export function readRing(text: string): Ring {
  const document = parsed(text)
  if (!Array.isArray(document)) throw new Error('the DKIM keys of the platform cannot be read')
  return document.map((each: unknown) => {
    const key = keyIn(each)
    if (key === undefined) throw new Error('a DKIM key of the platform cannot be read')
    return key
  })
}

function parsed(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text)
    return document
  } catch {
    // Its words would show a part of the text.
    return undefined
  }
}

function keyIn(value: unknown): DkimKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { selector, pem, since, ...rest } = { selector: '', pem: '', since: 0, ...value }
  if (typeof selector !== 'string' || typeof pem !== 'string' || typeof since !== 'number') return undefined
  const algorithm = oneOf(ALGORITHMS, rest, 'algorithm')
  const state = oneOf(STATES, rest, 'state')
  const publishedBy = oneOf(PUBLISHERS, rest, 'publishedBy')
  if (selector === '' || algorithm === undefined || state === undefined || publishedBy === undefined) return undefined
  return { selector, algorithm, pem, state, since, publishedBy }
}

function oneOf<const T extends string>(choices: readonly T[], record: object, member: string): T | undefined {
  const value: unknown = Object.hasOwn(record, member) ? Reflect.get(record, member) : undefined
  return choices.find((choice) => choice === value)
}
