/** What other mail servers send back, and how they bring it to the inbound port. */
import { converse } from './dialog.ts'

export type Failure = {
  readonly recipient: string
  readonly original?: string
  readonly action?: string
  readonly status?: string
  readonly diagnostic?: string
}

/** A delivery status notification as Postfix writes it. */
export function dsn(...failures: readonly Failure[]): readonly string[] {
  return [
    'From: MAILER-DAEMON@mx.one.test (Mail Delivery System)',
    'To: somebody@example.org',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="B"',
    '',
    '--B',
    'Content-Type: text/plain',
    '',
    'Sorry.',
    '--B',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; inner.one.test',
    ...failures.flatMap(({ recipient, original, action, status, diagnostic }) => [
      '',
      ...(original === undefined ? [] : [`Original-Recipient: rfc822;${original}`]),
      `Final-Recipient: rfc822; ${recipient}`,
      `Action: ${action ?? 'failed'}`,
      `Status: ${status ?? '5.1.1'}`,
      `Diagnostic-Code: ${diagnostic ?? 'smtp; 550 5.1.1 User unknown'}`,
    ]),
    '--B',
    'Content-Type: text/rfc822-headers',
    '',
    'From: ann@example.com',
    'Subject: Hi',
    '--B--',
  ]
}

export type Complaint = {
  readonly type?: string
  /** Of the message: the address without brackets. */
  readonly mailFrom?: string
  readonly returnPath?: string
  readonly recipient?: string
}

/** A complaint in the Abuse Reporting Format (RFC 5965). `returned`: the part with the message, headers of the part included. */
export function feedbackReport(fields: readonly string[], returned: readonly string[]): readonly string[] {
  return [
    'From: <feedback@one.test>',
    'Subject: FW: Hi',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=feedback-report; boundary="B"',
    '',
    '--B',
    'Content-Type: text/plain',
    '',
    'This is an email abuse report.',
    '--B',
    'Content-Type: message/feedback-report',
    '',
    ...fields,
    '',
    '--B',
    ...returned,
    '--B--',
  ]
}

/** One that names what it is asked to. */
export function arf({ type = 'abuse', mailFrom, returnPath, recipient }: Complaint): readonly string[] {
  return feedbackReport(
    [
      `Feedback-Type: ${type}`,
      'User-Agent: OneLoop/1.0',
      'Version: 1',
      'Arrival-Date: Thu, 15 Jan 2026 12:00:00 +0000',
      ...(mailFrom === undefined ? [] : [`Original-Mail-From: <${mailFrom}>`]),
      ...(recipient === undefined ? [] : [`Original-Rcpt-To: <${recipient}>`]),
    ],
    [
      'Content-Type: message/rfc822',
      '',
      ...(returnPath === undefined ? [] : [`Return-Path: <${returnPath}>`]),
      'From: ann@example.com',
      'Subject: Hi',
      '',
      'Hello.',
    ],
  )
}

/** Brings a mail to a server; gives its last word: at the end of the message, or to the recipient whom it refuses. */
export async function bring(
  port: number,
  to: string | readonly string[],
  lines: readonly string[],
  from = '',
): Promise<string> {
  using conversation = await converse(port)
  const ask = async (command: string) => {
    conversation.send(`${command}\r\n`)
    return await conversation.line()
  }
  await conversation.line()
  await ask('HELO mx.one.test')
  await ask(`MAIL FROM:<${from}>`)
  for (const recipient of [to].flat()) {
    const reply = await ask(`RCPT TO:<${recipient}>`)
    if (!reply.startsWith('250')) return reply
  }
  await ask('DATA')
  return await ask([...lines, '.'].join('\r\n'))
}

/** The address in a MAIL command. */
export function senderIn(command: string): string {
  return /^MAIL FROM:<([^>]*)>/.exec(command)?.[1] ?? ''
}
