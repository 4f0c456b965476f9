/** For tests of how identities are proved: a server with a real DNS behind it, and waiting for what it finds there. */
import {
  CreateEmailIdentityCommand,
  type CreateEmailIdentityCommandInput,
  GetEmailIdentityCommand,
  PutEmailIdentityDkimSigningAttributesCommand,
  type PutEmailIdentityDkimSigningAttributesCommandInput,
  PutEmailIdentityMailFromAttributesCommand,
} from '@aws-sdk/client-sesv2'
import { simpleParser } from 'mailparser'
import { recordsOf } from '../../src/domain/identities/records.ts'
import { startApp, type TestApp } from './app.ts'
import { type Zone, dnsServer } from './dns.ts'
import { until } from './until.ts'

export const DOMAIN = 'example.com'
export const ADDRESS = 'ann@example.com'
export const HOST = 'ses.example.net'
export const OWNER = 'owner@example.net'
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export type MutableZone = Record<string, { txt?: string[]; cname?: string; mx?: string[] } | 'servfail'>

/** A server whose identities must be proved, with a DNS server of its own that answers from `zone`. */
export async function startStrict(zone: Zone): Promise<TestApp> {
  const dns = await dnsServer(zone)
  const app = await startApp({ profile: 'strict', config: { dns: dns.address, hostname: HOST } })
  return {
    ...app,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await dns[Symbol.asyncDispose]()
    },
  }
}

export async function get(app: TestApp, name = DOMAIN) {
  return await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: name }))
}

export async function create(app: TestApp, more: Partial<CreateEmailIdentityCommandInput> = {}) {
  return await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: DOMAIN, ...more }))
}

export async function putSigning(
  app: TestApp,
  input: Pick<PutEmailIdentityDkimSigningAttributesCommandInput, 'SigningAttributesOrigin' | 'SigningAttributes'>,
) {
  return await app.sesv2.send(new PutEmailIdentityDkimSigningAttributesCommand({ EmailIdentity: DOMAIN, ...input }))
}

export async function setMailFrom(app: TestApp, MailFromDomain: string) {
  await app.sesv2.send(new PutEmailIdentityMailFromAttributesCommand({ EmailIdentity: DOMAIN, MailFromDomain }))
}

/** Asks until verification, DKIM and MAIL FROM are in these states. */
export async function untilStates(app: TestApp, verification: string, dkim?: string, mailFrom?: string) {
  const wanted = [verification, dkim, mailFrom]
  return await until(
    () => get(app),
    ({ VerificationStatus, DkimAttributes, MailFromAttributes }) => {
      const states = [VerificationStatus, DkimAttributes?.Status, MailFromAttributes?.MailFromDomainStatus]
      return wanted.every((state, index) => state === undefined || state === states[index])
    },
  )
}

/** Asks until the records were looked for after the clock's present time. */
export async function untilLooked(app: TestApp) {
  const now = app.clock.now()
  return await until(
    () => get(app),
    ({ VerificationInfo }) => (VerificationInfo?.LastCheckedTimestamp?.getTime() ?? 0) >= now,
  )
}

/** Publishes every record of the owner, as docs/dns.md says. */
export async function publish(app: TestApp, zone: MutableZone, region = 'us-east-1') {
  const { accountId } = app.services.config
  const identity = await app.services.store.identities.find({ account: accountId, region }, DOMAIN)
  for (const { name, type, value, publishedBy } of recordsOf(identity!, region, HOST)) {
    if (publishedBy !== 'owner') continue
    const old = zone[name]
    const records = old === undefined || old === 'servfail' ? {} : old
    if (type === 'CNAME') records.cname = value
    if (type === 'TXT') records.txt = [...(records.txt ?? []), value]
    if (type === 'MX') records.mx = [...(records.mx ?? []), value]
    zone[name] = records
  }
}

export function empty(zone: MutableZone) {
  for (const name of Object.keys(zone)) delete zone[name]
}

/** Mail that was accepted for an address, the newest first. */
export async function mailTo(app: TestApp, to: string) {
  const found = await app.services.store.messages.list({ to }, { limit: 10 })
  return await Promise.all(
    found.map(async ({ scope, message }) => {
      const raw = await app.services.store.messages.raw(scope, message.id)
      return await simpleParser(Buffer.from(raw!))
    }),
  )
}
