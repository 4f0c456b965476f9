/** Stores for tests, one for each engine, and things to put into them. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Log } from '../../src/platform/platform.ts'
import { openStore, type StoreOptions } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import type {
  AccessKey,
  Acceptance,
  AccountSettings,
  Check,
  ConfigurationSet,
  Identity,
  Scope,
} from '../../src/store/types.ts'
import { ending } from './ending.ts'
import { postgres } from './postgres.ts'

export const SCOPE: Scope = { account: '000000000000', region: 'us-east-1' }
export const ELSEWHERE: Scope = { account: '000000000000', region: 'eu-west-1' }
export const SOMEBODY_ELSE: Scope = { account: '111111111111', region: 'us-east-1' }
/** Noon, and the start of a quarter of an hour. */
export const NOON = Date.UTC(2026, 0, 15, 12)

/** A log that keeps what it is told. */
export function keptLog(): Log & { readonly lines: readonly string[] } {
  const lines: string[] = []
  const keep = (message: string) => void lines.push(message)
  return { lines, debug: () => {}, info: keep, warn: keep, error: keep }
}

/** A store on a database that may be there already. Closing it twice is closing it once. */
export async function openAt(database: string, options: Partial<StoreOptions> = {}): Promise<Store & AsyncDisposable> {
  const store = await openStore({ database, log: keptLog(), ...options })
  const close = ending(() => store.close())
  return { ...store, close, [Symbol.asyncDispose]: close }
}

/** `sql` looks into the database past the store: for what nobody else can see. Not in memory. */
export type TestStore = AsyncDisposable & {
  readonly store: Store
  readonly database: string
  readonly sql: (text: string) => Promise<readonly Record<string, unknown>[]>
}
export type Engine = { readonly name: string; readonly open: () => Promise<TestStore> }

/** An id as SES makes them, of the day of `at`. */
export function sesId(at: number, number: number): string {
  return `0100${at.toString(16).padStart(12, '0')}-00000000-0000-4000-8000-${String(number).padStart(12, '0')}-000000`
}

/** A body that says whose it is and cannot be compressed: it is kept in pieces. */
export function largeBody(id: string): Buffer {
  return Buffer.concat([Buffer.from(`Subject: large\r\n\r\nHello, ${id}.\r\n`), randomBytes(300_000)])
}

/** Every engine passes every test of the store. */
export const ENGINES: readonly Engine[] = [
  {
    name: 'SQLite in a file',
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'sesame-store-'))
      const path = join(folder, 'sesame.db')
      const database = `sqlite:${path}`
      const store = await openAt(database)
      return {
        store,
        database,
        async sql(text) {
          const reader = new DatabaseSync(path, { readOnly: true })
          const rows = reader.prepare(text).all()
          reader.close()
          return rows
        },
        [Symbol.asyncDispose]: ending(async () => {
          await store.close()
          await rm(folder, { recursive: true })
        }),
      }
    },
  },
  {
    name: 'SQLite in memory',
    async open() {
      const database = 'sqlite::memory:'
      const store = await openAt(database)
      const sql = () => Promise.reject(new Error('nobody else sees a database in memory'))
      return { store, database, sql, [Symbol.asyncDispose]: () => store.close() }
    },
  },
  {
    name: 'PostgreSQL',
    async open() {
      const server = await postgres()
      const database = await server.schema()
      const store = await openAt(database)
      return { store, database, sql: (text) => server.sql(text, database), [Symbol.asyncDispose]: () => store.close() }
    },
  },
]

export const SETTINGS: AccountSettings = {
  productionAccess: false,
  max24HourSend: 200,
  maxSendRate: 1,
  enforcementStatus: 'HEALTHY',
  sendingEnabled: true,
  details: null,
  review: null,
  suppressedReasons: ['BOUNCE', 'COMPLAINT'],
  dedicatedIpAutoWarmup: true,
}

export function sampleKey(id: string, account = SCOPE.account): AccessKey {
  return {
    id,
    account,
    userName: 'root',
    secret: 'secret',
    policy: null,
    active: true,
    sessionToken: null,
    expiresAt: null,
    createdAt: NOON,
  }
}

const CHECK: Check = { state: 'PENDING', since: NOON, lastCheckedAt: null, lastSuccessAt: null, error: null }

export function sampleIdentity(name: string, changes: Partial<Identity> = {}): Identity {
  return {
    name,
    kind: name.includes('@') ? 'EMAIL_ADDRESS' : 'DOMAIN',
    createdAt: NOON,
    verification: { ...CHECK, token: 'token', byTxt: false },
    dkim: {
      ...CHECK,
      signingEnabled: true,
      origin: 'AWS_SES',
      tokens: ['a', 'b', 'c'],
      keys: [],
      selector: null,
      currentKeyLength: 'RSA_2048_BIT',
      nextKeyLength: 'RSA_2048_BIT',
      keysMadeAt: NOON,
    },
    mailFrom: null,
    feedback: { forwardingEnabled: true },
    configurationSet: null,
    tags: [],
    nextCheckAt: null,
    ...changes,
  }
}

export function sampleSet(name: string): ConfigurationSet {
  return {
    name,
    createdAt: NOON,
    sendingEnabled: true,
    reputation: { metricsEnabled: false, lastFreshStart: null },
    tracking: null,
    delivery: null,
    suppressedReasons: null,
    vdm: null,
    archiveArn: null,
    tags: [],
  }
}

export type Sample = {
  readonly scope?: Scope
  readonly at?: number
  readonly from?: string
  readonly to?: readonly string[]
  readonly subject?: string
  readonly counted?: number
  readonly rejected?: boolean
  readonly attempts?: Acceptance['attempts']
  readonly counts?: Partial<Acceptance['counts']>
  readonly raw?: Uint8Array
}

/** An acceptance with one job for all recipients and a Send event. */
export function sampleAcceptance(id: string, sample: Sample = {}): Acceptance {
  const {
    scope = SCOPE,
    at = NOON,
    from = 'sender@example.com',
    to = ['friend@example.org'],
    subject = 'Hello',
    rejected = false,
  } = sample
  const raw = sample.raw ?? Buffer.from(`Subject: ${subject}\r\n\r\nHello, ${id}.\r\n`)
  return {
    scope,
    message: {
      id,
      acceptedAt: at,
      surface: 'v2',
      isRaw: false,
      operation: 'SendEmail',
      source: from,
      sourceArn: null,
      returnPath: `${id}@example.com`,
      feedbackAddress: from,
      configurationSet: null,
      tags: { 'ses:operation': ['SendEmail'] },
      destination: to,
      headers: [{ name: 'Subject', value: subject }],
      headersTruncated: false,
      commonHeaders: { from: [from], to, messageId: id, subject },
      tenantName: null,
      listManagement: null,
      size: raw.byteLength,
      counted: sample.counted ?? to.length,
    },
    raw,
    recipients: to.map((address, position) => ({
      position,
      address,
      mailbox: address,
      field: 'to',
      status: rejected ? 'rejected' : 'queued',
      reply: null,
    })),
    jobs: rejected ? [] : [{ destination: 'example.org', recipients: to.map((_, position) => position), dueAt: at }],
    events: [{ type: 'Send', at, json: JSON.stringify({ eventType: 'Send', mail: { messageId: id } }) }],
    attempts: sample.attempts ?? [],
    counts: { bounces: 0, complaints: 0, rejects: rejected ? (sample.counted ?? to.length) : 0, ...sample.counts },
  }
}
