/** Sesame as its users run it: a process of its own, on free ports, with its state in a folder of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SESv2Client } from '@aws-sdk/client-sesv2'

export type Credentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}
export type Key = Credentials & { readonly smtpPassword: string }

/** What the tests look at in a message of the admin API. */
export type Message = {
  readonly messageId: string
  readonly surface: string
  readonly source: string
  readonly destination: readonly string[]
  readonly subject: string | null
  readonly configurationSet: string | null
  readonly tags: Readonly<Record<string, readonly string[]>>
  readonly returnPath: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  readonly text: string | null
  readonly html: string | null
  readonly attachments: readonly {
    readonly filename: string | null
    readonly contentType: string
    readonly size: number
  }[]
  readonly recipients: readonly { readonly address: string; readonly status: string }[]
  readonly events: readonly { readonly eventType: string }[]
}

export type Server = {
  readonly readyLine: string
  readonly url: string
  readonly smtpPort: number
  readonly smtpsPort: number
  /** Throws unless the answer is a success. */
  admin(method: string, path: string, body?: object): Promise<unknown>
  /** An account of its own in us-east-1, so that what one test does to it leaves the others alone. */
  newAccount(): Promise<Account>
  /** Ends the process, and throws when it did not end well or logged an error. */
  stop(): Promise<void>
}

const READY =
  /^sesame ready http=(http:\/\/127\.0\.0\.1:\d+) smtp=127\.0\.0\.1:(\d+) smtps=127\.0\.0\.1:(\d+) inbound=127\.0\.0\.1:(\d+)$/
const FREE_PORTS = ['--http-port', '0', '--smtp-port', '0', '--smtps-port', '0', '--inbound-port', '0']
const MAIN = join(import.meta.dirname, '../../bin/main.js')
const LONGEST_START_MS = 30_000
const LONGEST_STOP_MS = 15_000

export const REGION = 'us-east-1'

/** Identities prove themselves, and so do MAIL FROM domains, which else are good the moment they are set. */
export const CHECKED = ['--auto-verify=false']

/** `node bin/main.js serve`, ready. Without `ports` it listens where there is room. */
export async function startServer(
  flags: readonly string[] = [],
  ports: readonly string[] = FREE_PORTS,
): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sesame-clients-'))
  // No DNS server answers there: nothing that these tests do may depend on names of the real world.
  const dns = flags.includes('--dns') ? [] : ['--dns', '127.0.0.1:1']
  const args = [MAIN, 'serve', ...ports, '--data-dir', dataDir, ...dns, ...flags]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line))
  process.once('exit', () => child.kill('SIGKILL'))

  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([first]) => String(first)),
    ended.then(() => `it ended:\n${log.join('\n')}`),
    timeout(LONGEST_START_MS, `no ready line:\n${log.join('\n')}`),
  ])
  const [, url, smtpPort, smtpsPort] = READY.exec(line) ?? []
  if (url === undefined) {
    child.kill('SIGKILL')
    await rm(dataDir, { recursive: true, force: true })
    throw new Error(`sesame did not get ready: ${line}`)
  }
  const server: Server = {
    readyLine: line,
    url,
    smtpPort: Number(smtpPort),
    smtpsPort: Number(smtpsPort),
    admin: (method, path, body) => callAdmin(url, method, path, body),
    newAccount: () => newAccount(server),
    async stop() {
      const status = await terminate(child, ended)
      await rm(dataDir, { recursive: true, force: true })
      const errors = log.filter((entry) => entry.includes(' level=error '))
      assert.deepEqual({ status, errors }, { status: 0, errors: [] })
    },
  }
  return server
}

export class Account {
  readonly id: string
  readonly key: Key
  readonly server: Server
  /** For what a test needs to be there. */
  readonly sesv2: SESv2Client

  constructor(server: Server, id: string, key: Key) {
    this.server = server
    this.id = id
    this.key = key
    this.sesv2 = new SESv2Client({ endpoint: server.url, region: REGION, credentials: key, maxAttempts: 1 })
  }

  /** What AWS's reviewers and enforcement decide, and the limits of sending. */
  async patch(settings: object): Promise<void> {
    await this.server.admin('PATCH', `/_sesame/accounts/${this.id}/regions/${REGION}`, settings)
  }

  async markVerified(identity: string): Promise<void> {
    await this.server.admin('POST', `/_sesame/accounts/${this.id}/regions/${REGION}/identities/${identity}/verify`)
  }

  /** An access key of a user that may do what the policy says. */
  async newKey(userName: string, policy: object): Promise<Key> {
    return keyOf(await this.server.admin('POST', `/_sesame/accounts/${this.id}/keys`, { userName, policy }))
  }

  /** Temporary credentials. */
  async newSession(): Promise<Credentials> {
    const lasts = { durationSeconds: 900 }
    return (await this.server.admin('POST', `/_sesame/accounts/${this.id}/keys`, lasts)) as Credentials
  }

  /** The newest message that `filter` (to, from, subject) finds, once it is there. */
  async message(filter: Readonly<Record<string, string>> = {}): Promise<Message> {
    const query = new URLSearchParams({ account: this.id, timeoutMs: '10000', ...filter })
    return (await this.server.admin('GET', `/_sesame/messages/wait?${query.toString()}`)) as Message
  }

  async messageCount(): Promise<number> {
    const { messages } = (await this.server.admin('GET', `/_sesame/messages?account=${this.id}`)) as {
      messages: unknown[]
    }
    return messages.length
  }

  async raw(messageId: string): Promise<string> {
    const response = await fetch(`${this.server.url}/_sesame/messages/${messageId}/raw`)
    assert.equal(response.status, 200)
    return Buffer.from(await response.arrayBuffer()).toString('latin1')
  }
}

let accounts = 0

async function newAccount(server: Server): Promise<Account> {
  const { accountId } = (await server.admin('POST', '/_sesame/accounts', { name: `account ${++accounts}` })) as {
    accountId: string
  }
  return new Account(server, accountId, keyOf(await server.admin('POST', `/_sesame/accounts/${accountId}/keys`, {})))
}

function keyOf(reply: unknown): Key {
  const { accessKeyId, secretAccessKey, smtpPasswords } = reply as Omit<Key, 'smtpPassword'> & {
    smtpPasswords: Record<string, string>
  }
  return { accessKeyId, secretAccessKey, smtpPassword: smtpPasswords[REGION]! }
}

async function callAdmin(url: string, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const answer = await response.text()
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${answer}`)
  return answer === '' ? undefined : JSON.parse(answer)
}

async function terminate(child: ChildProcess, ended: Promise<unknown[]>): Promise<unknown> {
  child.kill('SIGTERM')
  const killed = setTimeout(() => child.kill('SIGKILL'), LONGEST_STOP_MS)
  const [status] = await ended
  clearTimeout(killed)
  return status
}

function timeout(ms: number, result: string): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, ms, result).unref())
}
