/** Mail to postmaster and abuse, for whoever runs this: handed on whole, as an attachment of mail of ours. */
import { parseMailbox } from '../../message/addresses.ts'
import { headerField, splitMessage } from '../../message/headers.ts'
import { DEFAULT_REGION } from '../accounts/regions.ts'
import type { Services } from '../context.ts'
import { acceptLetter } from '../sending/accept.ts'
import { operatorOf } from './addresses.ts'
import type { InboundMail } from './inbound.ts'

/** What we leave on such mail, so as to know it when it comes again. */
const TRACE = 'delivered-to'

/**
 * Queues the mail for the operator. False: there is none, or it was handed on before. Its envelope sender is the null one, so
 * that nothing comes back here. Throws ServiceUnavailable.
 */
export async function handOn(services: Services, role: string, mail: InboundMail): Promise<boolean> {
  const { hostname, accountId } = services.config
  const to = await operatorOf(services)
  const from = parseMailbox(`no-reply@${hostname}`)
  const trace = `postmaster@${hostname}`
  if (to === undefined || !from.ok || hasTrace(mail.data, trace)) return false
  const boundary = `----=_Part_${services.random.uuid()}`
  const head = [
    headerField('From', `Sesame <${from.value.address}>`),
    headerField('To', to.address),
    headerField('Subject', `Mail to ${role.slice(0, 320)}`),
    headerField('Delivered-To', trace),
    headerField('Auto-Submitted', 'auto-generated'),
    headerField('MIME-Version', '1.0'),
    headerField('Content-Type', `multipart/mixed; boundary="${boundary}"`),
    headerField('Content-Transfer-Encoding', '8bit'),
  ]
  const text = `From <${mail.mailFrom}>, brought by ${mail.sourceIp}. Nothing was answered.`
  const parts = [
    `--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${text}\r\n`,
    `--${boundary}\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n`,
  ]
  const body = Buffer.concat([Buffer.from(parts.join('')), mail.data, Buffer.from(`\r\n--${boundary}--\r\n`)])
  await acceptLetter(
    services,
    { account: accountId, region: DEFAULT_REGION },
    {
      surface: 'system',
      operation: 'Notice',
      isRaw: true,
      source: from.value,
      sourceArn: null,
      returnPath: () => '',
      feedbackAddress: '',
      configurationSet: null,
      tags: [],
      automaticTags: { 'ses:operation': ['Notice'] },
      recipients: [{ mailbox: to, field: 'to' }],
      message: { headers: head, body },
      tenantName: null,
      listManagement: null,
    },
  )
  return true
}

/** Whether it is mail of ours, sent back by the operator's own server. */
function hasTrace(data: Uint8Array, trace: string): boolean {
  const message = splitMessage(data)
  return message.ok && message.value.headers.some(({ lower, value }) => lower === TRACE && value.trim() === trace)
}
