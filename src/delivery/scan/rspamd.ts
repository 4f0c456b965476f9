/** rspamd's worker (rspamd docs, “Rspamd HTTP protocol”): POST /checkv2, of whose answer the action counts. */
import type { HttpPost } from '../../platform/platform.ts'
import type { Scannable, ScanVerdict } from '../../message/scan.ts'

const LONGEST_REPLY = 1024 * 1024

/** Of what it may advise, only `reject` keeps mail back: the rest is for who receives mail. */
const ACTIONS: ReadonlySet<string> = new Set([
  'no action',
  'greylist',
  'add header',
  'rewrite subject',
  'soft reject',
  'quarantine',
  'discard',
])

/** `url`: without `/checkv2`. `signal`: there is no more time. */
export async function askRspamd(
  post: HttpPost,
  url: string,
  mail: Scannable,
  signal: AbortSignal,
): Promise<ScanVerdict> {
  const { messageId, account, sender, recipients, raw } = mail
  const headers = {
    'queue-id': messageId,
    // Mail of somebody who signed in: rspamd leaves out what it asks of strangers.
    user: account,
    from: sayable(sender),
    rcpt: recipients.map(sayable).filter((recipient) => recipient !== ''),
  }
  const reply = await post({ url: `${url}/checkv2`, headers, body: raw, maxBytes: LONGEST_REPLY }, signal)
  if (typeof reply === 'string') return away(reply === 'ETIMEDOUT' ? 'no answer in time' : reply)
  if (reply.status !== 200) return away(`HTTP ${reply.status}`)
  const { action, score } = read(reply.body)
  if (action === 'reject') return { kind: 'bad', said: `rspamd: reject${score}` }
  if (ACTIONS.has(action)) return { kind: 'clean', said: `rspamd: ${action}${score}` }
  return away('an answer without an action that is known')
}

function read(body: string): { readonly action: string; readonly score: string } {
  try {
    const answer: unknown = JSON.parse(body)
    if (typeof answer !== 'object' || answer === null) return { action: '', score: '' }
    const action = 'action' in answer && typeof answer.action === 'string' ? answer.action : ''
    const score = 'score' in answer && typeof answer.score === 'number' ? ` (${answer.score})` : ''
    return { action, score }
  } catch {
    return { action: '', score: '' }
  }
}

/** Addresses beyond ASCII do not fit a header; the message itself has them. */
function sayable(address: string): string {
  return /^[\x21-\x7e]{1,320}$/.test(address) ? address : ''
}

function away(why: string): ScanVerdict {
  return { kind: 'away', said: `rspamd: ${why}` }
}
