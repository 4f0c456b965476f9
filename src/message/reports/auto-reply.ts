/** Mail that a program wrote by itself: out-of-office notices and other answers that are not bounces (RFC 3834). */
import { decodeWords } from '../encoded-words.ts'
import type { HeaderField } from '../headers.ts'

/** Header fields that only such mail has, whatever their value. */
const TELLING: ReadonlySet<string> = new Set([
  'x-autoreply',
  'x-autoreply-from',
  'x-autorespond',
  'x-autoresponder',
  'x-auto-response-for',
  'x-auto-reply-from',
  'x-mail-autoreply',
  'x-fc-machinegenerated',
  'x-ms-exchange-generated-message-source',
])

/** How subjects of such answers begin, in the languages of the large mail programs. */
const SUBJECTS = [
  'automatic reply',
  'automated reply',
  'automated response',
  'auto reply',
  'auto-reply',
  'autoreply',
  'auto response',
  'autoresponse',
  'auto:',
  'out of office',
  'out of the office',
  'out-of-office',
  'vacation',
  'abwesenheit',
  'automatische antwort',
  'autom. antwort',
  'réponse automatique',
  'reponse automatique',
  "message d'absence",
  'absence du bureau',
  'respuesta automática',
  'respuesta automatica',
  'fuera de la oficina',
  'fuera de oficina',
  'risposta automatica',
  'fuori sede',
  'resposta automática',
  'resposta automatica',
  'automatisch antwoord',
  'afwezig',
  'autosvar',
  'automatisk svar',
  'automatiskt svar',
  'ikke til stede',
  'automaattinen vastaus',
  'poissa',
  'autoodpowiedź',
  'odpowiedź automatyczna',
  'automatická odpověď',
  'automatikus válasz',
  'otomatik yanıt',
  'автоответ',
  'автоматический ответ',
  '自动回复',
  '自動回覆',
  '自動応答',
  '자동 회신',
]

/** Whether the mail is an automatic answer: by its fields, or else by how its subject begins. */
export function isAutoReply(headers: readonly HeaderField[]): boolean {
  return headers.some((field) => saysAutomatic(field) || (field.lower === 'subject' && startsAsAutoReply(field.value)))
}

function saysAutomatic({ lower, value }: HeaderField): boolean {
  const text = value.trim().toLowerCase()
  // RFC 3834 §5: `no` means written by a person; parameters may follow.
  if (lower === 'auto-submitted') return !/^no(?:[;\s(]|$)/.test(text)
  if (lower === 'precedence') return text === 'auto_reply' || text === 'auto-reply'
  return TELLING.has(lower)
}

function startsAsAutoReply(subject: string): boolean {
  const text = decodeWords(subject.slice(0, 1000)).trim().toLowerCase()
  return SUBJECTS.some((start) => text.startsWith(start))
}

const NOT_TO_BE_ANSWERED = new Set(['bulk', 'junk', 'list', 'auto_reply', 'auto-reply'])
const MAIL_SYSTEMS = /^(?:mailer-daemon|mail-daemon|mailerdaemon|mdaemon|postmaster|double-bounce)(?:@|$)/

/** Whether an address is that of a mail system, which answers nothing and is answered by nothing. */
export function isMailSystem(address: string): boolean {
  return MAIL_SYSTEMS.test(address.toLowerCase())
}

/**
 * Whether a bounce or another automatic answer may go to the sender of this mail (RFC 3834 §2; RFC 3464 §2): not to the
 * null sender nor to a mail system, not in answer to what a program or a list sent. This is what keeps loops from being.
 */
export function mayBeAnswered(envelopeSender: string, headers: readonly HeaderField[]): boolean {
  if (envelopeSender === '' || isMailSystem(envelopeSender)) return false
  return !headers.some((field) => {
    const text = field.value.trim().toLowerCase()
    if (field.lower === 'precedence') return NOT_TO_BE_ANSWERED.has(text)
    if (field.lower === 'x-auto-response-suppress')
      return /(?:^|[,\s])(?:all|dr|ndr|autoreply|oof)(?:$|[,\s])/.test(text)
    if (field.lower === 'content-type') return text.startsWith('multipart/report')
    if (field.lower === 'return-path') return text === '<>'
    return field.lower === 'list-id' || saysAutomatic(field)
  })
}
