/** Mail from Sesame to the mail server of somebody else: what goes out, and what a real receiver has of it. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v2 from '@aws-sdk/client-sesv2'
import { generate } from 'selfsigned'
import { dnsServer, type Zone } from '../support/dns.ts'
import { verify } from './refusals.ts'
import { type Account, type Server, startServer } from './server.ts'
import { until } from './until.ts'

/** Whose mail it is, to whom, and who carries it. */
export const SENDER = 'shop.test'
export const RECEIVER = 'receiver.test'
const CARRIER = 'out.sesame.test'

type Event = Readonly<Record<string, unknown>> & { readonly eventType: string }

export type Sender = {
  readonly server: Server
  readonly account: Account
  /** The text of the key record by the name that verifiers ask for. */
  readonly keys: Readonly<Record<string, string>>
  readonly send: (raw: string, to: readonly string[], set?: string) => Promise<string>
  /** The first event of that type, once it is there. */
  readonly event: (messageId: string, type: string) => Promise<Event>
  readonly stop: () => Promise<void>
}

/** A server that delivers to whoever listens on `port` of the loopback net, as the MX of the receiver's domain. */
export async function startSender(port: number): Promise<Sender> {
  const zone: Zone = {
    [RECEIVER]: { mx: [`10 mx.${RECEIVER}`] },
    [`mx.${RECEIVER}`]: { a: ['127.0.0.1'] },
    // Those who are told of bounces are nobody's business here.
    [SENDER]: { mx: ['0 .'] },
  }
  const dns = await dnsServer(zone)
  const flags = ['--transport', 'direct', '--mx-port', String(port), '--allow-private-destinations']
  const names = ['--dns', dns.address, '--hostname', CARRIER, '--mail-domain', CARRIER]
  const server = await startServer([...flags, ...names])
  const account = await server.newAccount()
  await verify(account, SENDER)
  return {
    server,
    account,
    keys: await keysOf(server, account),
    async send(raw, to, ConfigurationSetName) {
      const { MessageId = '' } = await account.sesv2.send(
        new v2.SendEmailCommand({
          FromEmailAddress: `app@${SENDER}`,
          Destination: { ToAddresses: [...to] },
          Content: { Raw: { Data: Buffer.from(raw) } },
          ConfigurationSetName,
        }),
      )
      return MessageId
    },
    event: (messageId, type) =>
      until(`a ${type} event`, async () => {
        const { events } = (await server.admin('GET', `/_sesame/messages/${messageId}/events`)) as { events: Event[] }
        return events.find(({ eventType }) => eventType === type)
      }),
    async stop() {
      await server.stop()
      await dns[Symbol.asyncDispose]()
    },
  }
}

type DnsRecord = { readonly name: string; readonly type: string; readonly value: string }

/** As DNS would answer: through the alias at the owner's selector, to the key at the operator's name. */
async function keysOf(server: Server, { id }: Account): Promise<Readonly<Record<string, string>>> {
  const reply = (await server.admin('GET', `/_sesame/dns/identities?account=${id}&identity=${SENDER}`)) as {
    identities: { records: DnsRecord[] }[]
  }
  const records = reply.identities.flatMap((each) => each.records)
  const keys = records.filter(({ type, name }) => type === 'TXT' && name.includes('.dkim.'))
  return Object.fromEntries(
    keys.map(({ name, value }) => {
      const alias = records.find((each) => each.type === 'CNAME' && each.value === name)
      return [alias?.name ?? assert.fail(`nothing leads to ${name}`), value]
    }),
  )
}

/** A certificate of the receiver's own making, as most have, and its key: the files. */
export async function ownCertificate(folder: string): Promise<{ readonly cert: string; readonly key: string }> {
  const made = await generate([{ name: 'commonName', value: `mx.${RECEIVER}` }], { keyType: 'ec', curve: 'P-256' })
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(cert, `${made.cert}\n`)
  await writeFile(key, `${made.private}\n`, { mode: 0o644 })
  return { cert, key }
}

/** What tends to break on the way: lines that begin with dots, 8-bit text, white space at ends, empty lines, length. */
export function hardMail(subject: string, more = ''): string {
  const lines = [
    `From: Shop <app@${SENDER}>`,
    `To: Friend <friend@${RECEIVER}>`,
    `Subject: ${subject}`,
    'Message-ID: <hard@shop.test>',
    'Date: Thu, 15 Jan 2026 12:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    '.',
    '..',
    '.a line that begins with a dot',
    'Grüße aus Köln',
    'From here it looks like an mbox',
    'white space at the end \t ',
    'x'.repeat(990),
    '',
    `${more}the last line, after two empty ones:`,
    '',
    '',
    '',
  ]
  return lines.join('\r\n')
}

/** The first message with `word` in a Maildir, with CRLF as it came. */
export async function arrived(maildir: string, word: string): Promise<string> {
  return await until(`a message in ${maildir}`, async () => {
    const names = await readdir(join(maildir, 'new')).catch(() => [])
    const messages = await Promise.all(names.map((name) => readFile(join(maildir, 'new', name), 'latin1')))
    return messages.find((message) => message.includes(word))?.replaceAll(/\r?\n/g, '\r\n')
  })
}

/** What the receiver put in front, the signature, and the message, which must be the one that was accepted, octet for octet. */
export async function intact(account: Account, messageId: string, message: string): Promise<string> {
  const accepted = await account.raw(messageId)
  assert.ok(message.endsWith(accepted), `it was changed:\n${message.slice(-accepted.length)}\nis not\n${accepted}`)
  const head = message.slice(0, -accepted.length)
  assert.match(head, new RegExp(`^DKIM-Signature: [^]*d=${SENDER};`, 'm'))
  return head
}
