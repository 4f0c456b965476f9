/** What the mailbox simulator's `ooto` answers: an out-of-office note to the return path (SES guide: "Using the mailbox simulator"). */
import { isOutOfOffice } from '../message/simulated.ts'
import type { Job, Recipient } from '../store/types.ts'
import type { Services } from './context.ts'
import { sendOwnMail } from './notices.ts'
import { messageIdHeader } from './sending/message-id.ts'

/** Sends the note of each recipient that is out of office. Failures are logged: the message itself was delivered. */
export async function answerOutOfOffice(services: Services, job: Job, recipients: readonly Recipient[]): Promise<void> {
  const away = recipients.filter(({ mailbox }) => isOutOfOffice(mailbox))
  if (away.length === 0) return
  const stored = await services.store.messages.find(job.messageId)
  // RFC 3834 §2: what was written by a program is not answered; so two of them never write to each other for ever.
  if (stored === undefined || stored.message.surface === 'system' || isAutomatic(stored.message.headers)) return
  const { id, commonHeaders, feedbackAddress } = stored.message
  const original = messageIdHeader(id, job.scope.region, services.config.mailDomain)
  for (const { mailbox } of away) {
    try {
      await sendOwnMail(services, job.scope, {
        operation: 'AutoReply',
        from: mailbox,
        // RFC 3834 §3.3.
        returnPath: '',
        to: feedbackAddress,
        // RFC 3834 §3.1.5.
        subject: `Auto: ${commonHeaders.subject ?? ''}`.trim(),
        text: 'I am out of the office. (This is the automatic reply of the mailbox simulator.)',
        headers: [
          { name: 'Auto-Submitted', value: 'auto-replied' },
          { name: 'In-Reply-To', value: original },
          { name: 'References', value: original },
        ],
      })
    } catch (error) {
      services.log.warn('an automatic reply could not be sent', { messageId: id, error })
    }
  }
}

function isAutomatic(headers: readonly { readonly name: string; readonly value: string }[]): boolean {
  const field = headers.find(({ name }) => name.toLowerCase() === 'auto-submitted')
  return field !== undefined && !/^no\b/i.test(field.value)
}
