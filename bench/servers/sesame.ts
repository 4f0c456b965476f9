/** Sesame as users start it: `bin/sesame serve` in a process of its own, with a data directory of its own. */
import { once } from 'node:events'
import { join, resolve as absolute } from 'node:path'
import { createInterface } from 'node:readline'
import { signPost } from '../../src/cli/sigv4.ts'
import { SENDER, sendEmail } from '../generator/requests.ts'
import type { Lab } from '../lab.ts'
import { lastWords, pidOf, type Server, type Target } from './server.ts'

const ROOT = join(import.meta.dirname, '../..')
export const LAUNCHER = join(ROOT, 'bin/sesame')
const START_LIMIT_MS = 60_000

export type Sesame = Server & {
  readonly pid: number
  readonly url: string
  readonly http: Target
  readonly smtp: Target
  readonly smtps: Target
  readonly dataDir: string
  /** From the start of the process to its ready line. */
  readonly startMs: number
}

export type SesameOptions = {
  /** An empty one is made otherwise. */
  readonly dataDir?: string
  /** A `postgres://` URL; SQLite in the data directory otherwise. */
  readonly database?: string
  readonly roles?: string
  /** How it is started, when not by its launcher. */
  readonly command?: readonly [string, ...string[]]
  /** More of its command line. */
  readonly flags?: readonly string[]
  /** Nothing is asked of it yet: whoever starts it verifies the sender himself, if he wants. */
  readonly isUntouched?: boolean
}

/** What a sender of this size has set: the defaults of the local profile stop at 1,000 messages a second. */
const FLAGS = ['--max-send-rate', '1000000', '--log-level', 'error']
const ANY_PORTS = ['--http-port', '0', '--smtp-port', '0', '--smtps-port', '0', '--inbound-port', '0']

/** Starts a server, and verifies the sender that the load generators use. */
export async function startSesame(lab: Lab, options: SesameOptions = {}): Promise<Sesame> {
  const dataDir = options.dataDir ?? lab.folder('data')
  const [program, ...first] = options.command ?? [LAUNCHER, 'serve']
  const args = [
    ...first,
    ...ANY_PORTS,
    ...FLAGS,
    '--data-dir',
    dataDir,
    ...(options.database === undefined ? [] : ['--database', options.database]),
    ...(options.roles === undefined ? [] : ['--roles', options.roles]),
    ...(options.flags ?? []),
  ]
  const startedAt = performance.now()
  // Without the settings of whoever runs the benchmark.
  const env: NodeJS.ProcessEnv = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SESAME|NODE)_/.test(name)),
  )
  // Node writes them when it ends.
  if (lab.profile !== undefined) env.NODE_OPTIONS = `--cpu-prof --cpu-prof-dir=${absolute(lab.profile)}`
  const child = lab.start(program, args, { cwd: ROOT, env })
  const said = lastWords(child)
  const line = await readyLine(child.stdout, once(child, 'exit'))
  if (line === undefined) throw new Error(`Sesame does not start: ${said()}`)
  const startMs = performance.now() - startedAt
  const pid = pidOf(child)
  const sesame: Sesame = {
    pid,
    pids: [pid],
    url: addressIn(line, 'http'),
    http: targetOf(addressIn(line, 'http')),
    smtp: targetOf(addressIn(line, 'smtp')),
    smtps: targetOf(addressIn(line, 'smtps')),
    dataDir,
    startMs,
    stop: () => lab.stop(child),
  }
  if (options.isUntouched !== true) await verifySender(sesame)
  return sesame
}

async function readyLine(stdout: NodeJS.ReadableStream | null, ended: Promise<unknown>): Promise<string | undefined> {
  if (stdout === null) return undefined
  const lines = createInterface({ input: stdout })
  const ready = new Promise<string>((resolve) => {
    // npm says what it runs before the line comes.
    lines.on('line', (line) => line.startsWith('sesame ready') && resolve(line))
  })
  const timeUp = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), START_LIMIT_MS).unref())
  return Promise.race([ready, ended.then(() => undefined), timeUp])
}

function addressIn(line: string, name: string): string {
  return new RegExp(` ${name}=(\\S+)`).exec(line)?.[1] ?? ''
}

function targetOf(address: string): Target {
  const { hostname, port } = new URL(address.startsWith('http') ? address : `smtp://${address}`)
  return { host: hostname, port: Number(port) }
}

/** Makes the sender that the load generators use. */
export async function verifySender({ url }: Sesame): Promise<void> {
  const status = await post(url, '/v2/email/identities', JSON.stringify({ EmailIdentity: SENDER }))
  // 400: it is there already.
  if (status !== 200 && status !== 400) throw new Error(`the sender could not be verified: ${status}`)
}

/** What mail is signed with; Ed25519 `alone`: as if there were no RSA key, which there always is. */
export type SigningKeys = {
  readonly keyLength: 'RSA_1024_BIT' | 'RSA_2048_BIT'
  readonly ed25519?: 'beside' | 'alone'
}

/** Settings with which all mail goes to one server, in the clear. */
export function toSink({ host, port }: Target): readonly string[] {
  return ['--transport', 'smarthost', '--smarthost', `smtp://${host}:${port}?tls=none`]
}

/** Makes a domain whose mail is signed, with its keys. */
export async function makeIdentity({ url }: Sesame, domain: string, keyLength: string): Promise<void> {
  const DkimSigningAttributes = { NextSigningKeyLength: keyLength }
  const status = await post(
    url,
    '/v2/email/identities',
    JSON.stringify({ EmailIdentity: domain, DkimSigningAttributes }),
  )
  if (status !== 200) throw new Error(`the domain could not be made: ${status}`)
  // Whoever asks for its records has its keys made.
  const records = await fetch(new URL(`/_sesame/dns/identities?identity=${domain}`, url))
  if (!records.ok) throw new Error(`the keys could not be made: ${records.status}`)
}

async function post(origin: string, path: string, body: string): Promise<number> {
  const url = new URL(path, origin)
  const { host: _, ...headers } = signPost(
    { url, body, headers: { 'content-type': 'application/json' }, region: 'us-east-1', now: Date.now() },
    { accessKeyId: 'test', secretAccessKey: 'test', sessionToken: undefined },
  )
  return (await fetch(url, { method: 'POST', body, headers })).status
}

/** Sends one message, the first that the load generators would. */
export async function sendOne({ url }: Sesame): Promise<void> {
  const { path, body } = sendEmail('v2', 0)
  const status = await post(url, path, body)
  if (status !== 200) throw new Error(`the message was not taken: ${status}`)
}

/** A counter or gauge of `/metrics` without labels. */
export async function metric({ url }: Sesame, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
}
