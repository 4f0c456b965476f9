/** A whole server that delivers over the network, and the mail servers of others, all on the loopback net. */
import { CreateEmailIdentityCommand, SendEmailCommand } from '@aws-sdk/client-sesv2'
import type { Config } from '../../src/config/config.ts'
import { type AppOptions, startApp, type TestApp } from './app.ts'
import { fakeDns, type Zone } from './dns.ts'
import { type Behaviour, Mx } from './internet/mx.ts'

export type World = AsyncDisposable & {
  readonly app: TestApp
  readonly zone: Zone
  /** A domain with one mail server, `mx.DOMAIN` at a loopback address. */
  readonly domain: (domain: string, address: string, behaviour?: Behaviour) => Promise<Mx>
  /** Sends through v2; gives the MessageId. */
  readonly send: (to: readonly string[], more?: { readonly set?: string; readonly subject?: string }) => Promise<string>
  /** The events of a message: as SES's JSON. */
  readonly events: (messageId: string) => Promise<readonly SesEvent[]>
  /** Moves SES's time until nothing is left to deliver at it. */
  readonly pass: (minutes: number) => Promise<void>
}

type Members = Readonly<Record<string, unknown>>
/** `said`: the member that has the event's name. */
export type SesEvent = { readonly type: string; readonly mail: Members; readonly said: Members }

export const SENDER_DOMAIN = 'example.com'
export const WORLD_SENDER = `ann@${SENDER_DOMAIN}`
const NAMES: Readonly<Record<string, string>> = { DeliveryDelay: 'deliveryDelay' }

export async function startWorld(
  config: Partial<Config> = {},
  options: Pick<AppOptions, 'wallClock' | 'clock'> = {},
): Promise<World> {
  const zone: Zone = {}
  const first = await Mx.start('127.0.0.1', 0)
  const servers = [first]
  const app = await startApp({
    config: {
      transport: 'direct',
      hostname: 'out.sesame.test',
      mxPort: first.port,
      allowPrivateDestinations: true,
      ...config,
    },
    dns: fakeDns(zone),
    ...options,
  })
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER_DOMAIN }))
  return {
    app,
    zone,
    async domain(domain, address, behaviour) {
      const server = await Mx.start(address, first.port, behaviour)
      servers.push(server)
      zone[domain] = { mx: [`10 mx.${domain}`] }
      zone[`mx.${domain}`] = { a: [address] }
      return server
    },
    async send(to, { set, subject = 'Hi' } = {}) {
      const { MessageId = '' } = await app.sesv2.send(
        new SendEmailCommand({
          FromEmailAddress: WORLD_SENDER,
          Destination: { ToAddresses: [...to] },
          Content: { Simple: { Subject: { Data: subject }, Body: { Text: { Data: 'Hello.' } } } },
          ConfigurationSetName: set,
        }),
      )
      return MessageId
    },
    events: (messageId) => eventsOf(app, messageId),
    async pass(minutes) {
      app.clock.advance(minutes * 60_000)
      await app.idle()
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
    },
  }
}

/** The events of a message, as SES's JSON. */
export async function eventsOf(app: TestApp, messageId: string): Promise<readonly SesEvent[]> {
  const { body } = await app.admin('GET', `/_sesame/messages/${messageId}/events`)
  return readEvents(body)
}

function readEvents(body: unknown): readonly SesEvent[] {
  const events = isMembers(body) && Array.isArray(body['events']) ? body['events'] : Array.isArray(body) ? body : []
  return events.filter(isMembers).map((event) => {
    const type = String(event['eventType'])
    const said = event[NAMES[type] ?? type.toLowerCase()]
    return { type, mail: isMembers(event['mail']) ? event['mail'] : {}, said: isMembers(said) ? said : {} }
  })
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
