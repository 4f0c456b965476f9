/** Replies of the SMTP server, in SES's words where they are known (docs/fidelity.md). */
import { type Failure, FAILURES } from '../errors/catalogue.ts'
import type { SesError } from '../errors/fail.ts'
import type { Fault } from './reader.ts'

/** Longest text of a reply. RFC 5321 §4.5.3.1.5 speaks of 512, but SES puts whole lists of identities into one line. */
const MAX_TEXT = 2000

/** One reply, ready for the wire. Line breaks in `text` make a multi-line reply; what is not printable ASCII becomes `?`. */
export function reply(code: number, text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text
  const lines = short.split(/\r\n|\r|\n/).map((line) => line.replaceAll(/[^ -~]/g, '?'))
  return lines.map((line, i) => `${code}${i < lines.length - 1 ? '-' : ' '}${line}\r\n`).join('')
}

/** A failure's own reply, for those whose words in the catalogue are the whole reply. */
export function failureReply(failure: Failure): string {
  return reply(...FAILURES[failure].smtp)
}

/** The reply that tells of `error`: code and prefix of its row, then its text where the prefix leaves room for one. */
export function errorReply(error: SesError): string {
  const [code, prefix] = FAILURES[error.failure].smtp
  if (prefix !== '' && !prefix.endsWith(': ')) return reply(code, prefix)
  if (error.text === null) return reply(code, prefix.replace(/: $/, '') || error.failure)
  return reply(code, prefix + error.text)
}

export const OK = reply(250, 'Ok')
export const BYE = reply(221, 'Bye')
export const START_DATA = reply(354, 'End data with <CR><LF>.<CR><LF>')
export const START_TLS = reply(220, 'Ready to start TLS')
export const AUTHENTICATED = reply(235, 'Authentication successful.')
export const HELP = reply(214, 'AUTH DATA EHLO HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS')

export const TOO_MANY_CONNECTIONS = reply(421, 'Too many concurrent SMTP connections')
export const TOO_MANY_ERRORS = reply(421, 'Too many errors')
export const TOO_MANY_COMMANDS = reply(421, 'Too many commands')
export const CLOSING = reply(421, 'Service not available, closing transmission channel')
export const IDLE = reply(451, '4.4.2 Timeout waiting for data from client.')

export const TEMPORARY_FAILURE = reply(451, 'Temporary service failure')
export const TOO_MANY_RECIPIENTS = reply(452, 'Too many recipients')
export const TEMPORARY_AUTH_FAILURE = reply(454, 'Temporary authentication failure')

export const BAD_SYNTAX = reply(500, 'Error: bad syntax')
export const LONG_LINE = reply(500, 'Error: line too long')
export const UNKNOWN_COMMAND = reply(500, 'Error: command not implemented')
export const BAD_MAIL_FROM = reply(501, 'Invalid MAIL FROM address provided')
export const BAD_RCPT_TO = reply(501, 'Invalid RCPT TO address provided')
export const BAD_PARAMETER = reply(501, 'Syntax error in parameters or arguments')
export const NO_PARAMETERS = reply(501, 'Syntax error (no parameters allowed)')
export const AUTH_SYNTAX = reply(501, 'Syntax: AUTH mechanism [initial-response]')
export const AUTH_CANCELLED = reply(501, 'Authentication canceled by client.')
export const AUTH_NOT_BASE64 = reply(501, 'Invalid command argument, not a valid Base64 string')
export const AUTH_NOT_PLAIN = reply(501, 'Invalid command argument, does not contain NUL')
export const VRFY_DISABLED = reply(502, 'VRFY command is disabled')
export const EXPN_DISABLED = reply(502, 'EXPN command is disabled')
export const AUTH_UNSUPPORTED = reply(502, 'Authentication not supported')
export const NEED_MAIL = reply(503, 'Error: need MAIL command')
export const NEED_RCPT = reply(503, 'Error: need RCPT command')
export const NESTED_MAIL = reply(503, 'Sender already specified.')
export const AUTH_DONE = reply(503, 'Refusing any other AUTH command.')
export const TLS_ACTIVE = reply(454, 'TLS not available due to temporary reason: TLS already active')
export const TLS_PIPELINED = reply(554, 'Error: commands pipelined after STARTTLS')
export const MECHANISM_UNSUPPORTED = reply(504, 'The requested authentication mechanism is not supported')
export const VALUE_UNSUPPORTED = reply(504, 'Command parameter not implemented')
export const NEED_TLS = reply(530, 'Must issue a STARTTLS command first')
export const NO_SUCH_MAILBOX = reply(550, '5.1.1 Requested action not taken: mailbox unavailable')
export const PARAMETER_UNKNOWN = reply(555, 'MAIL FROM/RCPT TO parameters not recognized or not implemented')
export const NEED_AUTH = failureReply('MissingAuthenticationToken')
export const BAD_CREDENTIALS = failureReply('UnknownAccessKey')
export const NOT_SUBSCRIBED = failureReply('OptInRequired')
export const TOO_LONG = failureReply('MessageTooLong')

/** What is said to a line that is no command. */
export const LINE_FAULTS: Readonly<Record<Fault, string>> = {
  'bare-cr': reply(500, 'Error: CR and LF must be CRLF paired. See RFC 5321 #2.3.8.'),
  'bare-lf': reply(500, 'Error: CR and LF must be CRLF paired. See RFC 5321 #2.3.8.'),
  nul: reply(500, 'Error: NUL is not allowed'),
  'long-line': LONG_LINE,
  'too-large': LONG_LINE,
  endless: LONG_LINE,
  'no-room': TEMPORARY_FAILURE,
}

/** What is said at the end of a message that is refused unread. */
export const MESSAGE_FAULTS: Readonly<Record<Fault, string>> = {
  'bare-cr': reply(554, 'Transaction failed: Message contains a bare CR. Lines must end with CRLF.'),
  'bare-lf': reply(554, 'Transaction failed: Message contains a bare LF. Lines must end with CRLF.'),
  nul: reply(554, 'Transaction failed: Message contains a NUL character.'),
  'long-line': reply(554, 'Transaction failed: Message contains a line longer than 998 characters.'),
  'too-large': TOO_LONG,
  endless: TOO_LONG,
  'no-room': TEMPORARY_FAILURE,
}
