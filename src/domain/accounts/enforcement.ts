/** What AWS's reviewers and enforcement do to an account in a region: here, the operator does it through the admin API. */
import { fail } from '../../errors/fail.ts'
import type { AccountSettings, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { sendNotice } from '../notices.ts'
import { findAccount } from './accounts.ts'
import { decideReview, REVIEW_DECISIONS, type ReviewDecision } from './details.ts'
import { isRegion } from './regions.ts'
import { accountSettings, patchSettings } from './settings.ts'

type EnforcementStatus = AccountSettings['enforcementStatus']

export type RegionPatch = {
  readonly productionAccess?: boolean | undefined
  /** Recipients in 24 hours; −1: unlimited. */
  readonly max24HourSend?: number | undefined
  /** Recipients a second. */
  readonly maxSendRate?: number | undefined
  readonly enforcementStatus?: EnforcementStatus | undefined
  readonly reviewDecision?: ReviewDecision | undefined
}

export const ENFORCEMENT_STATUSES = ['HEALTHY', 'PROBATION', 'SHUTDOWN'] as const satisfies readonly EnforcementStatus[]

const MOST_24_HOUR_SEND = 1_000_000_000
const MOST_SEND_RATE = 1_000_000

/**
 * Changes what an account may do in a region, all of it or, for a value that cannot be, nothing. Gives the settings as
 * they are then. Throws NotFound (no such account), InvalidParameterValue.
 */
export async function patchRegion(services: Services, scope: Scope, patch: RegionPatch): Promise<AccountSettings> {
  await findAccount(services, scope.account)
  checkPatch(scope, patch)
  const { reviewDecision, enforcementStatus, ...limits } = patch
  if (reviewDecision !== undefined) await decideReview(services, scope, reviewDecision)
  if (enforcementStatus !== undefined) await setEnforcement(services, scope, enforcementStatus)
  return await patchSettings(services, scope, {
    ...(limits.productionAccess === undefined ? {} : { productionAccess: limits.productionAccess }),
    ...(limits.max24HourSend === undefined ? {} : { max24HourSend: limits.max24HourSend }),
    ...(limits.maxSendRate === undefined ? {} : { maxSendRate: limits.maxSendRate }),
  })
}

/** Sets the enforcement status; where it changes, the account's address is told by mail. */
export async function setEnforcement(services: Services, scope: Scope, status: EnforcementStatus): Promise<void> {
  const before = await accountSettings(services, scope)
  if (before.enforcementStatus === status) return
  await patchSettings(services, scope, { enforcementStatus: status })
  const account = await services.store.accounts.find(scope.account)
  if (account === undefined || account.email === null) return
  try {
    await sendNotice(services, scope, { to: account.email, ...NOTICES[status](scope) })
  } catch (cause) {
    // The status stands, told or not.
    services.log.error('The notice about the enforcement status could not be sent', { ...scope, status, cause })
  }
}

// In our words: what AWS writes is not public.
const NOTICES: Record<EnforcementStatus, (scope: Scope) => { subject: string; text: string }> = {
  HEALTHY: ({ account, region }) => ({
    subject: `Your email sending account ${account} is healthy again (${region})`,
    text: `The review of account ${account} in region ${region} has ended.\n\nThe account can send email without restrictions.\n`,
  }),
  PROBATION: ({ account, region }) => ({
    subject: `Your email sending account ${account} is under review (${region})`,
    text: `Account ${account} in region ${region} is under review, because of a problem with email that was sent from it.\n\nIt can still send. Please find and correct the cause, such as bounces or complaints: if the problem goes on, sending will be paused.\n`,
  }),
  SHUTDOWN: ({ account, region }) => ({
    subject: `Sending is paused for your email sending account ${account} (${region})`,
    text: `Account ${account} can no longer send email in region ${region}: sending has been paused, because of a problem with email that was sent from it.\n\nThe account's owner cannot resume sending himself. Please correct the cause, and ask the operator of this server to lift the pause.\n`,
  }),
}

function checkPatch(scope: Scope, patch: RegionPatch): void {
  const { max24HourSend, maxSendRate, enforcementStatus, reviewDecision } = patch
  if (!isRegion(scope.region)) fail('InvalidParameterValue', `Invalid region ${scope.region}.`)
  if (max24HourSend !== undefined && !isQuota(max24HourSend)) {
    fail(
      'InvalidParameterValue',
      `max24HourSend must be a whole number from 0 to ${MOST_24_HOUR_SEND}, or -1 for no limit.`,
    )
  }
  // Not(in range), so that NaN is refused too.
  if (maxSendRate !== undefined && !(maxSendRate > 0 && maxSendRate <= MOST_SEND_RATE)) {
    fail('InvalidParameterValue', `maxSendRate must be more than 0 and at most ${MOST_SEND_RATE}.`)
  }
  if (enforcementStatus !== undefined && !ENFORCEMENT_STATUSES.includes(enforcementStatus)) {
    fail('InvalidParameterValue', `enforcementStatus must be one of ${ENFORCEMENT_STATUSES.join(', ')}.`)
  }
  if (reviewDecision !== undefined && !REVIEW_DECISIONS.includes(reviewDecision)) {
    fail('InvalidParameterValue', `reviewDecision must be one of ${REVIEW_DECISIONS.join(', ')}.`)
  }
}

function isQuota(value: number): boolean {
  return Number.isInteger(value) && value >= -1 && value <= MOST_24_HOUR_SEND
}
