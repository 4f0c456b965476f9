/**
 * Mail from other servers: what comes back of what was sent. Nothing is ever answered, so that nobody can have us write to
 * a third party; and nothing is believed that no return path of ours proves (docs/bounces.md).
 */
import { type Report, readReport } from '../../message/reports/read-report.ts'
import type { ReturnTarget } from '../../message/return-path.ts'
import type { Services } from '../context.ts'
import { isOurs, isRole, targetOf } from './addresses.ts'
import { takeBounces } from './bounces.ts'
import { takeComplaint, targetIn } from './complaints.ts'
import { handOn } from './operator.ts'

/** A message as it came in. */
export type InboundMail = {
  /** Empty for the null sender. */
  readonly mailFrom: string
  readonly recipients: readonly string[]
  readonly data: Uint8Array
  readonly sourceIp: string
  readonly requestId: string
}

/**
 * What came of a report. `repeated`: it was told before; `unknown`: the message is not here (any more); `unproven`: no
 * return path of ours; `ignored`: nothing that anybody has to know; `handed-on`: to
 * whoever runs this.
 */
export type Result = 'told' | 'repeated' | 'unknown' | 'unproven' | 'ignored' | 'handed-on'

export type Inbound = {
  /** Whether mail for this address is taken. Throws ServiceUnavailable. */
  accepts(address: string): Promise<boolean>
  /** Settles when what the mail means is written. Throws ServiceUnavailable. */
  receive(mail: InboundMail): Promise<void>
}

/** `counted` hears of each report. */
export function createInbound(services: Services, counted: (kind: Report['kind'], result: Result) => void): Inbound {
  return {
    accepts: (address) => isOurs(services, address),
    async receive(mail) {
      const report = readReport(mail.data, mail.mailFrom)
      const targets = await targetsOf(services, mail)
      const read = await resultsOf(services, report, targets)
      const role = mail.recipients.find(isRole)
      // What was told as a report needs nobody's eyes any more.
      const isForPeople = role !== undefined && !read.some(([result]) => result === 'told')
      const results = isForPeople ? [await handedOn(services, role, mail)] : read
      for (const [result, messageId] of results) {
        counted(report.kind, result)
        const { mailFrom, sourceIp, requestId } = mail
        services.log.info('mail came back', { kind: report.kind, result, messageId, mailFrom, sourceIp, requestId })
      }
    },
  }
}

async function handedOn(services: Services, role: string, mail: InboundMail): Promise<Found> {
  return (await handOn(services, role, mail)) ? ['handed-on', undefined] : ['ignored', undefined]
}

type Found = readonly [result: Result, messageId: string | undefined]

async function resultsOf(
  services: Services,
  report: Report,
  targets: readonly ReturnTarget[],
): Promise<readonly Found[]> {
  if (report.kind === 'delivery') {
    if (targets.length === 0) return [['unproven', undefined]]
    const found: Found[] = []
    for (const target of targets) found.push([await takeBounces(services, target, report), target.messageId])
    return found
  }
  if (report.kind === 'feedback') {
    const target = targets[0] ?? (await targetIn(services, report))
    if (target === null) return [['unproven', undefined]]
    return [[await takeComplaint(services, target, report), target.messageId]]
  }
  return [['ignored', targets[0]?.messageId]]
}

/** Each return path among the recipients once, however often and in whatever case it was named. */
async function targetsOf(services: Services, { recipients }: InboundMail): Promise<readonly ReturnTarget[]> {
  const targets = new Map<string, ReturnTarget>()
  for (const address of recipients) {
    const target = await targetOf(services, address)
    if (target !== null) targets.set(JSON.stringify(target), target)
  }
  return [...targets.values()]
}
