/** boto3, held open over many calls: starting Python for each of them would take most of the time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Call } from './mail.ts'
import { needBoto3 } from './programs.ts'
import { type Account, type Credentials, REGION } from './server.ts'

export type BotoError = {
  /** The class that boto3 raises: modelled errors have one each. */
  readonly exception: string
  readonly code: string | null
  readonly message: string | null
  readonly status: number | null
}

type Reply = { readonly ok: unknown; readonly error?: undefined } | { readonly error: BotoError }

export type BotoOptions = {
  readonly key?: Credentials
  readonly region?: string
  readonly how?: 'call' | 'pages' | 'wait'
}

export type Boto3 = {
  /** What the call returns; throws when boto3 raises. */
  call(account: Account, call: Call, options?: BotoOptions): Promise<Record<string, unknown>>
  pages(account: Account, call: Call): Promise<readonly Record<string, unknown>[]>
  /** What boto3 raises; throws when it raises nothing. */
  refused(account: Account, call: Call, options?: BotoOptions): Promise<BotoError>
  /** A URL that makes the call. */
  presign(account: Account, call: Call, method: 'GET' | 'POST'): Promise<string>
  stop(): Promise<void>
}

export function startBoto3(): Boto3 {
  const child = spawn(needBoto3(), [join(import.meta.dirname, 'boto3_calls.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  process.once('exit', () => child.kill('SIGKILL'))
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let last: Promise<unknown> = Promise.resolve()

  async function ask(question: object): Promise<Reply> {
    child.stdin.write(`${JSON.stringify(question)}\n`)
    const line = await replies.next()
    if (line.done === true) throw new Error('boto3_calls.py ended')
    return JSON.parse(line.value) as Reply
  }

  /** One question at a time. */
  function make(account: Account, call: Call, more: object, { key = account.key, region = REGION }: BotoOptions = {}) {
    const { accessKeyId, secretAccessKey, sessionToken = null } = key
    const question = {
      url: account.server.url,
      region,
      key: [accessKeyId, secretAccessKey, sessionToken],
      ...call,
      ...more,
    }
    const reply = last.then(() => ask(question))
    last = reply.catch(() => {})
    return reply
  }

  return {
    call: async (account, call, options = {}) =>
      result(await make(account, call, { how: options.how ?? 'call' }, options)) as Record<string, unknown>,
    pages: async (account, call) => result(await make(account, call, { how: 'pages' })) as Record<string, unknown>[],
    presign: async (account, call, method) => String(result(await make(account, call, { how: 'presign', method }))),
    async refused(account, call, options = {}) {
      const reply = await make(account, call, {}, options)
      if (reply.error === undefined) throw new Error(`${call.operation} was not refused: ${JSON.stringify(reply.ok)}`)
      return reply.error
    },
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}

function result(reply: Reply): unknown {
  if (reply.error === undefined) return reply.ok
  const { exception, status, code, message } = reply.error
  throw new Error(`${exception}: ${status} ${code}: ${message}`)
}
