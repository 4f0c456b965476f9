/** The account's details and its request for production access (SES guide: "Moving out of the Amazon SES sandbox"). */
import { fail } from '../../errors/fail.ts'
import type { AccountDetails, AccountSettings, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { oneAtATime } from '../identities/identity.ts'
import { accountSettings, patchSettings } from './settings.ts'

export type DetailsRequest = {
  readonly mailType: AccountDetails['mailType']
  readonly websiteUrl: string
  readonly contactLanguage: AccountDetails['contactLanguage'] | undefined
  readonly useCaseDescription: string | undefined
  readonly additionalContacts: readonly string[] | undefined
  /** Asks for production access, and so for a review. */
  readonly productionAccess: boolean
}

export const REVIEW_DECISIONS = ['GRANTED', 'DENIED', 'FAILED'] as const
export type ReviewDecision = (typeof REVIEW_DECISIONS)[number]

// SES guide, "Service quotas": the sandbox; and what AWS usually grants first, since access with 200 a day is none.
const SANDBOX = { max24HourSend: 200, maxSendRate: 1 }
const FIRST_GRANT = { max24HourSend: 50_000, maxSendRate: 14 }

/**
 * Stores the details; asking for production access without having it starts a review. While one is under way the
 * details cannot be changed: Conflict. Throws InvalidParameterValue for a URL that is no website's.
 */
export async function putAccountDetails(services: Services, scope: Scope, request: DetailsRequest): Promise<void> {
  if (!isPublicUrl(request.websiteUrl)) fail('InvalidParameterValue', 'Url contains invalid format')
  const details: AccountDetails = {
    mailType: request.mailType,
    websiteUrl: request.websiteUrl,
    contactLanguage: request.contactLanguage ?? null,
    useCaseDescription: request.useCaseDescription ?? null,
    additionalContactEmailAddresses: request.additionalContacts ?? [],
  }
  await alone(services, scope, async () => {
    const settings = await accountSettings(services, scope)
    if (settings.review?.status === 'PENDING') {
      fail('Conflict', 'There is already an ongoing account details update under review.')
    }
    await patchSettings(services, scope, { details, review: reviewAfter(services, settings, request) })
  })
}

/** Of two requests at the same time only one may start the review. */
async function alone<T>(services: Services, { account, region }: Scope, task: () => Promise<T>): Promise<T> {
  return await oneAtATime(services.store, `review ${account} ${region}`, task)
}

/** What AWS's reviewers do. Throws InvalidParameterValue when no review is under way. */
export async function decideReview(
  services: Services,
  scope: Scope,
  decision: ReviewDecision,
): Promise<AccountSettings> {
  return await alone(services, scope, async () => {
    const settings = await accountSettings(services, scope)
    if (settings.review?.status !== 'PENDING') {
      fail(
        'InvalidParameterValue',
        `No review of the account details of ${scope.account} in ${scope.region} is under way.`,
      )
    }
    const review = { ...settings.review, status: decision }
    return await patchSettings(services, scope, decision === 'GRANTED' ? { review, ...grant(settings) } : { review })
  })
}

function grant({ max24HourSend, maxSendRate }: AccountSettings): Partial<AccountSettings> {
  const isSandbox = max24HourSend === SANDBOX.max24HourSend && maxSendRate === SANDBOX.maxSendRate
  return { productionAccess: true, ...(isSandbox ? FIRST_GRANT : {}) }
}

function reviewAfter(
  services: Services,
  settings: AccountSettings,
  request: DetailsRequest,
): AccountSettings['review'] {
  if (settings.productionAccess) return { status: 'GRANTED', caseId: settings.review?.caseId ?? makeCaseId(services) }
  return request.productionAccess ? { status: 'PENDING', caseId: makeCaseId(services) } : settings.review
}

/** 15 digits, as the ids of support cases. */
function makeCaseId({ random }: Services): string {
  return String(100_000_000_000_000 + Math.floor(random.fraction() * 900_000_000_000_000))
}

// RFC 6761, RFC 6762, RFC 9476 and ICANN's `internal`: no website is ever there, and SES is known to look at the TLD.
const NO_TLD: ReadonlySet<string> = new Set(['test', 'example', 'invalid', 'localhost', 'local', 'alt', 'internal'])

function isPublicUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false
  const tld = /\.([a-z]{2,63}|xn--[a-z0-9-]{1,59})\.?$/.exec(url.hostname)?.[1]
  return tld !== undefined && !NO_TLD.has(tld)
}
