/** The test message that `sesame send` was asked to send. */
import type { Options } from './options.ts'
import { CommandError, UsageError, type World } from './world.ts'

export type Letter = {
  readonly from: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
  readonly subject: string
  readonly text: string | undefined
  readonly html: string | undefined
  /** The whole message, where the user composed it himself. */
  readonly raw: Buffer | undefined
  readonly configurationSet: string | undefined
  readonly tags: readonly { readonly name: string; readonly value: string }[]
}

/** What became of it, in the words of the client's side. */
export type Outcome = {
  readonly via: 'v1' | 'v2' | 'smtp'
  readonly isAccepted: boolean
  /** HTTP status, or SMTP reply code. */
  readonly status: number
  /** SES's error code; null in SMTP, which has none, and when all is well. */
  readonly code: string | null
  readonly message: string | null
  readonly messageId: string | null
  readonly requestId: string | null
  /** The SMTP dialogue, without passwords. */
  readonly transcript: readonly string[]
}

/** Throws a UsageError for what cannot be sent at all. */
export async function readLetter(options: Options, world: World): Promise<Letter> {
  const file = options.value('raw')
  const raw = file === undefined ? undefined : await readRaw(file, world)
  // What SES finds missing in a message that the user composed himself is for SES to say.
  if (!raw) for (const flag of ['from', 'to']) options.required(flag)
  const text = options.value('text')
  const html = options.value('html')
  return {
    from: options.value('from') ?? '',
    to: options.values('to'),
    cc: options.values('cc'),
    bcc: options.values('bcc'),
    subject: options.value('subject') ?? 'A test message from Sesame',
    text: text ?? (html === undefined ? 'If you can read this, it works.' : undefined),
    html,
    raw,
    configurationSet: options.value('configuration-set'),
    tags: options.values('tag').map(readTag),
  }
}

async function readRaw(file: string, world: World): Promise<Buffer> {
  try {
    return file === '-' ? await world.readStdin() : await world.readFile(file)
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function readTag(text: string): { name: string; value: string } {
  const [name = '', ...rest] = text.split('=')
  if (rest.length === 0) throw new UsageError(`--tag: ${JSON.stringify(text)} is not NAME=VALUE.`)
  return { name, value: rest.join('=') }
}
