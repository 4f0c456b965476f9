/** Mail from us to people: verification links, notices about identities and accounts. Delivered as any other, outside quota and statistics. */
import { fail } from '../errors/fail.ts'
import { compose } from '../message/compose.ts'
import { type Mailbox, parseMailbox } from '../message/addresses.ts'
import { splitMessage } from '../message/headers.ts'
import type { Parsed } from '../message/parsed.ts'
import type { Scope } from '../store/types.ts'
import type { Services } from './context.ts'
import { acceptLetter } from './sending/accept.ts'

export type Notice = { readonly to: string; readonly subject: string; readonly text: string; readonly html?: string }

/** Queues a notice in the mail of `scope`, and gives its MessageId. The sender is `no-reply@` our host name. */
export async function sendNotice(services: Services, scope: Scope, notice: Notice): Promise<string> {
  const from = mailbox(`no-reply@${services.config.hostname}`)
  const to = mailbox(notice.to)
  const message = value(
    splitMessage(
      value(
        compose(
          {
            from: `Sesame <${from.address}>`,
            to: [to.text],
            cc: [],
            replyTo: [],
            subject: { data: notice.subject, charset: 'UTF-8' },
            text: { data: notice.text, charset: 'UTF-8' },
            html: notice.html === undefined ? undefined : { data: notice.html, charset: 'UTF-8' },
            // RFC 3834 §5: nobody's auto-responder shall answer this.
            headers: [{ name: 'Auto-Submitted', value: 'auto-generated' }],
            attachments: [],
          },
          () => `----=_Part_${services.random.uuid()}`,
        ),
      ),
    ),
  )
  return await acceptLetter(services, scope, {
    surface: 'system',
    operation: 'Notice',
    isRaw: false,
    source: from,
    sourceArn: null,
    returnPath: () => from.address,
    feedbackAddress: from.address,
    configurationSet: null,
    tags: [],
    automaticTags: { 'ses:operation': ['Notice'] },
    recipients: [{ mailbox: to, field: 'to' }],
    message,
    tenantName: null,
    listManagement: null,
  })
}

function mailbox(text: string): Mailbox {
  return value(parseMailbox(text))
}

function value<T>(parsed: Parsed<T>): T {
  return parsed.ok ? parsed.value : fail('InvalidParameterValue', parsed.error)
}
