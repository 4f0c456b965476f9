/** A question, asked of one server after the other until one of them knows. */
import type { DnsAnswer } from '../platform.ts'
import { readResponse, type Question, type Records, type RecordType } from './codec.ts'
import { exchange } from './exchange.ts'
import type { DnsOptions } from './real.ts'

/** For each server in turn; the next round waits longer. A dead resolver is told within some 10 s. */
const ROUNDS_MS = [2000, 3000, 5000] as const

/** `ttl`: seconds for which the answer holds. */
export async function ask<T extends RecordType>(
  question: Question<T>,
  { servers, random }: DnsOptions,
): Promise<{ readonly answer: DnsAnswer<Records[T]>; readonly ttl: number }> {
  let reason = 'no server'
  for (const ms of ROUNDS_MS) {
    for (const server of servers) {
      const response = await exchange(server, question, ms, random)
      if (typeof response === 'string') {
        reason = response
        continue
      }
      const { answer, ttl } = readResponse(response, question)
      if (answer.kind === 'temporary') {
        reason = answer.reason
        continue
      }
      return { answer: server.isTrusted ? answer : { ...answer, isAuthentic: false }, ttl }
    }
    // Only silence is worth another round at once: who answered has said what it knows.
    if (reason !== 'ETIMEOUT') break
  }
  return { answer: { kind: 'temporary', reason }, ttl: 0 }
}
