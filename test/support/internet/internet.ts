/** An Internet in a box: DNS as a table, mail servers on addresses of the loopback net, a clock that stands still. */
import { Connections } from '../../../src/delivery/connections.ts'
import { deliverDirect, type DirectDeps, type DirectMail } from '../../../src/delivery/direct.ts'
import type { HostRules } from '../../../src/delivery/hosts.ts'
import { DELIVERY_LIMITS, type DeliveryLimits, TIMEOUTS } from '../../../src/delivery/limits.ts'
import { StsPolicies } from '../../../src/delivery/mta-sts.ts'
import { deliverToSmarthost } from '../../../src/delivery/smarthost.ts'
import type { MinTlsVersions } from '../../../src/delivery/target.ts'
import { TlsMemory } from '../../../src/delivery/tls-memory.ts'
import { type AttemptedRecipient, type NetworkOutcome, replyLine } from '../../../src/message/outcome.ts'
import { realDial } from '../../../src/platform/dial.ts'
import { realHttpsGet } from '../../../src/platform/https-get.ts'
import type { Smarthost } from '../../../src/platform/egress.ts'
import type { Dns, MovableClock } from '../../../src/platform/platform.ts'
import { realRandom } from '../../../src/platform/random.ts'
import { fakeClock } from '../clock.ts'
import { fakeDns, type Zone } from '../dns.ts'
import { theAuthority } from './certificates.ts'
import { type Behaviour, Mx } from './mx.ts'

export const EGRESS = { addresses: [], name: 'out.sesame.test' } as const

const MESSAGE = 'From: ann@sesame.test\r\nTo: bob@example.test\r\nSubject: Hi\r\n\r\nHello.\r\n'

export type InternetOptions = {
  readonly limits?: Partial<DeliveryLimits>
  readonly rules?: Partial<HostRules>
  readonly minTlsVersions?: Partial<MinTlsVersions>
  readonly dns?: (zone: Zone) => Dns
  /** The port of policy hosts; undefined: MTA-STS is not looked for. */
  readonly httpsPort?: number
}

export class Internet {
  readonly zone: Zone = {}
  /** Stands still in our time: certificates are of our time. */
  readonly clock: MovableClock = fakeClock(Date.now())
  readonly deps: DirectDeps & { readonly connections: Connections }
  readonly #servers: Mx[] = []

  private constructor(
    deps: Omit<DirectDeps, 'clock' | 'dns' | 'connections' | 'tlsMemory' | 'stsPolicies'>,
    options: InternetOptions,
  ) {
    const { clock } = this
    const dns = (options.dns ?? fakeDns)(this.zone)
    const { httpsPort: port } = options
    this.deps = {
      ...deps,
      clock,
      dns,
      stsPolicies:
        port === undefined ? undefined : new StsPolicies({ ...deps, clock, dns, port, httpsGet: realHttpsGet }),
      connections: new Connections(clock, deps.limits),
      tlsMemory: new TlsMemory(clock),
    }
  }

  /** All servers listen on one port, which is that of `port`, a first server which is in the way of nobody. */
  static async start(options: InternetOptions = {}): Promise<Internet> {
    const first = await Mx.start('127.0.0.1', 0)
    const { cert } = await theAuthority()
    const internet = new Internet(
      {
        dial: realDial,
        random: realRandom(),
        timeouts: TIMEOUTS,
        limits: { ...DELIVERY_LIMITS, ...options.limits },
        minTlsVersions: { demanded: 'TLSv1.2', opportunistic: 'TLSv1', ...options.minTlsVersions },
        ca: [cert],
        port: first.port,
        rules: {
          allowPrivate: true,
          ownNames: new Set(['out.sesame.test']),
          ownAddresses: new Set(),
          allowLiterals: false,
          families: [4, 6],
          maxHosts: 10,
          ...options.rules,
        },
      },
      options,
    )
    internet.#servers.push(first)
    return internet
  }

  /** A mail server on `address`, known by `name` if given. */
  async mx(address: string, behaviour: Behaviour = {}, name?: string): Promise<Mx> {
    const server = await Mx.start(address, this.deps.port, behaviour)
    this.#servers.push(server)
    if (name !== undefined) this.zone[name] = { a: [address] }
    return server
  }

  /** A domain with one host: `mx.DOMAIN`. */
  async domain(domain: string, address: string, behaviour: Behaviour = {}): Promise<Mx> {
    this.zone[domain] = { mx: [`10 mx.${domain}`] }
    return this.mx(address, behaviour, `mx.${domain}`)
  }

  deliver(to: string | readonly string[], changes: Partial<DirectMail> = {}): Promise<NetworkOutcome> {
    const recipients = [to].flat().map((mailbox, position) => ({ position, mailbox }))
    const mail: DirectMail = {
      sender: 'bounce@sesame.test',
      recipients,
      message: Buffer.from(MESSAGE),
      egress: EGRESS,
      domain: recipients[0]!.mailbox.split('@')[1]!,
      tlsPolicy: 'OPTIONAL',
      ...changes,
    }
    return deliverDirect(this.deps, mail)
  }

  handOver(smarthost: Partial<Smarthost>): Promise<NetworkOutcome> {
    const { port } = this.deps
    return deliverToSmarthost(
      this.deps,
      { host: '127.0.0.2', port, tls: 'none', credentials: undefined, ...smarthost },
      {
        sender: 'bounce@sesame.test',
        recipients: [{ position: 0, mailbox: 'bob@example.test' }],
        message: Buffer.from(MESSAGE),
        egress: EGRESS,
      },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.deps.connections.close()
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()))
  }
}

/** `deferred 421 4.4.2 Connection timed out (timeout at mail, destination)`: an outcome of a recipient in one line. */
export function tell(recipient: AttemptedRecipient | undefined): string {
  if (recipient === undefined) return 'nothing'
  if (recipient.kind === 'delivered') return `delivered ${replyLine(recipient.reply)}`
  const { reply, reason, step, whose, mayHaveArrived } = recipient.failure
  const maybe = mayHaveArrived ? ', may have arrived' : ''
  return `${recipient.kind} ${replyLine(reply)} (${reason} at ${step}, ${whose}${maybe})`
}

/** All of them, in the order of the recipients. */
export function tellAll({ recipients }: NetworkOutcome): string[] {
  return recipients.toSorted((a, b) => a.position - b.position).map(tell)
}

/** `TLSv1.3 verified by mta-sts`, `in the clear`: how the first recipient was reached. */
export function privacy({ recipients: [first] }: NetworkOutcome): string {
  if (first?.kind !== 'delivered') return 'not delivered'
  const { tls } = first.remote
  return tls === null
    ? 'in the clear'
    : `${tls.version}${tls.verified === 'none' ? '' : ` verified by ${tls.verified}`}`
}

/** What TLS reports would say of it. */
export function reported({ tlsResults }: NetworkOutcome): string[] {
  return tlsResults.map(({ policy, failure }) => `${policy.type} ${failure?.type ?? 'success'}`)
}
