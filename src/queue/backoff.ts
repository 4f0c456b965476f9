/** How long to wait after something failed that should not have. Retries of mail have their own schedule. */

const FIRST_MS = 1_000
const LAST_MS = 300_000

/** 1 s, doubled after each of `failures` that came before, at most 5 minutes. */
export function backoffMs(failures: number): number {
  return Math.min(FIRST_MS * 2 ** Math.min(failures, 20), LAST_MS)
}
