/** What every check is given. */
import type { Services } from '../context.ts'
import type { OperatorDns } from '../dns/operator.ts'
import type { Machine } from '../../platform/machine.ts'
import type { Finding } from './finding.ts'

export type Exam = Pick<Services, 'config' | 'dns' | 'dial' | 'httpsGet' | 'clock' | 'wallClock' | 'random' | 'log'> & {
  readonly operator: OperatorDns
  /** The addresses that others see mail come from; empty with a smarthost, whose they are then. */
  readonly sendsFrom: readonly string[]
  readonly machine: Machine
  /** Whom to call on port 25; empty: some large providers. */
  readonly callees: readonly string[]
  /** Whose clock to compare with: `SERVER[:PORT]`; undefined: nobody's. */
  readonly ntp: string | undefined
}

export type Check = (exam: Exam) => Promise<readonly Finding[]>
