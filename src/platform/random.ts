/** Real randomness. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Random } from './platform.ts'

/** Bytes and UUIDs come from the operating system; `fraction` is for jitter and dice, not for secrets. */
export function realRandom(): Random {
  return { bytes: (length) => randomBytes(length), uuid: () => randomUUID(), fraction: () => Math.random() }
}
