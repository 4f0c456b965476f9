/** What tests start ends with them: one that fails before it came to end it would keep its file from ending. */
import { getTestContext } from 'node:test'
import { once } from '../../src/platform/once.ts'

/**
 * Makes `end` run once, however often it is asked for, and has it run when the test under way fails; in a hook, when a
 * test of its suite does. A test that passes has to ask for it: what it forgets keeps its file from ending, and so shows.
 */
export function ending(end: () => Promise<void>): () => Promise<void> {
  const ended = once(end)
  const context = getTestContext()
  if (context !== undefined && 'after' in context) {
    // It failed for another reason already, which is the one to be told.
    context.after(async () => void (context.passed || (await ended().catch(() => {}))))
  }
  return ended
}
