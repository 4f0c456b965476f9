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
  const address = `no-reply@${services.config.hostname}`
  return await sendOwnMail(services, scope, {
    ...notice,
    operation: 'Notice',
    from: `Sesame <${address}>`,
    returnPath: address,
    // RFC 3834 §5: nobody's auto-responder shall answer this.
    headers: [{ name: 'Auto-Submitted', value: 'auto-generated' }],
  })
}

/** `returnPath`: the envelope sender; empty is the null path. `operation`: the value of `ses:operation` in events. */
export type OwnMail = Notice & {
  readonly operation: string
  readonly from: string
  readonly returnPath: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
}

/** Queues mail that we write ourselves, and gives its MessageId. */
export async function sendOwnMail(services: Services, scope: Scope, mail: OwnMail): Promise<string> {
  const from = mailbox(mail.from)
  const to = mailbox(mail.to)
  const message = value(splitMessage(value(composeOwn(services, mail, to))))
  return await acceptLetter(services, scope, {
    surface: 'system',
    operation: mail.operation,
    isRaw: false,
    source: mailbox(from.address),
    sourceArn: null,
    returnPath: () => mail.returnPath,
    feedbackAddress: mail.returnPath,
    configurationSet: null,
    tags: [],
    automaticTags: { 'ses:operation': [mail.operation] },
    recipients: [{ mailbox: to, field: 'to' }],
    message,
    tenantName: null,
    listManagement: null,
  })
}

function composeOwn(services: Services, mail: OwnMail, to: Mailbox): Parsed<Buffer> {
  return compose(
    {
      from: mail.from,
      to: [to.text],
      cc: [],
      replyTo: [],
      subject: { data: mail.subject, charset: 'UTF-8' },
      text: { data: mail.text, charset: 'UTF-8' },
      html: mail.html === undefined ? undefined : { data: mail.html, charset: 'UTF-8' },
      headers: mail.headers,
      attachments: [],
    },
    () => `----=_Part_${services.random.uuid()}`,
  )
}

function mailbox(text: string): Mailbox {
  return value(parseMailbox(text))
}

function value<T>(parsed: Parsed<T>): T {
  return parsed.ok ? parsed.value : fail('InvalidParameterValue', parsed.error)
}
