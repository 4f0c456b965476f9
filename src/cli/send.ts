/** `sesame send`: one test message, sent as a client sends it, and what the client would see. */
import { smtpPassword } from '../domain/accounts/smtp-passwords.ts'
import { realClock } from '../platform/clock.ts'
import { readLetter, type Letter, type Outcome } from './letter.ts'
import { readOptions, type Options } from './options.ts'
import { columns } from './reply.ts'
import { sendOverV1, sendOverV2 } from './send-http.ts'
import { sendOverSmtp, type SmtpTarget } from './send-smtp.ts'
import type { Credentials } from './sigv4.ts'
import { EXIT, UsageError, type World } from './world.ts'

export async function send(args: readonly string[], world: World): Promise<number> {
  const options = readOptions(args, {
    command: 'send',
    flags: {
      via: 'value',
      from: 'value',
      to: 'values',
      cc: 'values',
      bcc: 'values',
      subject: 'value',
      text: 'value',
      html: 'value',
      raw: 'value',
      'configuration-set': 'value',
      tag: 'values',
      region: 'value',
      'access-key-id': 'value',
      'secret-access-key': 'value',
      'session-token': 'value',
      url: 'value',
      smtp: 'value',
      tls: 'value',
      insecure: 'switch',
      json: 'switch',
    },
  })
  const outcome = await sendVia(options, await readLetter(options, world), world)
  world.out(options.isSet('json') ? `${JSON.stringify(outcome)}\n` : describe(outcome))
  return outcome.isAccepted ? EXIT.ok : EXIT.refused
}

async function sendVia(options: Options, letter: Letter, world: World): Promise<Outcome> {
  const region = options.value('region') ?? (world.env['AWS_REGION'] || world.env['AWS_DEFAULT_REGION'] || 'us-east-1')
  const credentials = credentialsOf(options, world)
  const via = options.value('via') ?? 'v2'
  if (via === 'smtp') return await sendOverSmtp(letter, smtpTarget(options, credentials, region))
  const url = options.value('url') ?? world.env['SESAME_URL'] ?? 'http://127.0.0.1:8005'
  const target = { url, region, credentials, now: realClock().now() }
  if (via === 'v1') return await sendOverV1(letter, target, world)
  if (via === 'v2') return await sendOverV2(letter, target, world)
  throw new UsageError(`--via: ${JSON.stringify(via)} is not one of v2, v1, smtp.`)
}

function credentialsOf(options: Options, { env }: World): Credentials {
  const accessKeyId = options.value('access-key-id')
  const secretAccessKey = options.value('secret-access-key')
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new UsageError('--access-key-id and --secret-access-key go together.')
  }
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { accessKeyId, secretAccessKey, sessionToken: options.value('session-token') }
  }
  return {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? 'test',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? 'test',
    sessionToken: options.value('session-token') ?? (env['AWS_ACCESS_KEY_ID'] ? env['AWS_SESSION_TOKEN'] : undefined),
  }
}

const TLS_MODES = ['starttls', 'implicit', 'none'] as const

function smtpTarget(options: Options, { accessKeyId, secretAccessKey }: Credentials, region: string): SmtpTarget {
  const where = options.value('smtp') ?? '127.0.0.1:2587'
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(where) ?? []
  if (host === undefined || Number(port) > 65_535)
    throw new UsageError(`--smtp: ${JSON.stringify(where)} is not HOST:PORT.`)
  const mode = options.value('tls') ?? 'starttls'
  const tls = TLS_MODES.find((name) => name === mode)
  if (tls === undefined) throw new UsageError(`--tls: ${JSON.stringify(mode)} is not one of ${TLS_MODES.join(', ')}.`)
  return {
    host,
    port: Number(port),
    tls,
    insecure: options.isSet('insecure'),
    user: accessKeyId,
    password: smtpPassword(secretAccessKey, region),
  }
}

function describe({ via, isAccepted, status, code, message, messageId, requestId, transcript }: Outcome): string {
  const rows: (readonly [string, string | null])[] = [
    [via === 'smtp' ? 'Reply code' : 'HTTP status', String(status)],
    ['Error code', code],
    ['Message', message],
    ['MessageId', messageId],
    ['RequestId', requestId],
  ]
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== null)
  const dialogue = transcript.length === 0 ? '' : `${transcript.join('\n')}\n\n`
  return `${dialogue}${isAccepted ? 'Accepted' : 'Refused'} (${via})\n${columns(shown)}`
}
