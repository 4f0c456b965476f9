/** SES v2: the account, its details and its switches. Shapes in, domain, shapes out. */
import { putAccountDetails } from '../../domain/accounts/details.ts'
import {
  accountSettings,
  isSendingEnabled,
  setDedicatedIpAutoWarmup,
  setSendingEnabled,
  setSuppressedReasons,
} from '../../domain/accounts/settings.ts'
import { scopeOf } from '../../domain/context.ts'
import type { V2 } from '../handlers.ts'
import { notImplemented } from '../later.ts'

type Settings = Awaited<ReturnType<typeof accountSettings>>

export const account = {
  async GetAccount(ctx) {
    const settings = await accountSettings(ctx, scopeOf(ctx))
    return {
      DedicatedIpAutoWarmupEnabled: settings.dedicatedIpAutoWarmup,
      EnforcementStatus: settings.enforcementStatus,
      ProductionAccessEnabled: settings.productionAccess,
      SendQuota: {
        Max24HourSend: settings.max24HourSend,
        MaxSendRate: settings.maxSendRate,
        SentLast24Hours: await ctx.quotas.sentLast24Hours(scopeOf(ctx)),
      },
      SendingEnabled: isSendingEnabled(settings),
      SuppressionAttributes: { SuppressedReasons: [...settings.suppressedReasons] },
      Details: details(settings),
    }
  },

  async PutAccountDetails(ctx, input) {
    await putAccountDetails(ctx, scopeOf(ctx), {
      mailType: input.MailType,
      websiteUrl: input.WebsiteURL,
      contactLanguage: input.ContactLanguage,
      useCaseDescription: input.UseCaseDescription,
      additionalContacts: input.AdditionalContactEmailAddresses,
      productionAccess: input.ProductionAccessEnabled ?? false,
    })
    return {}
  },

  async PutAccountSendingAttributes(ctx, { SendingEnabled }) {
    await setSendingEnabled(ctx, scopeOf(ctx), SendingEnabled)
    return {}
  },

  async PutAccountSuppressionAttributes(ctx, { SuppressedReasons, ValidationAttributes }) {
    if (ValidationAttributes !== undefined) notImplemented('PutAccountSuppressionAttributes with ValidationAttributes')
    await setSuppressedReasons(ctx, scopeOf(ctx), SuppressedReasons)
    return {}
  },

  async PutAccountDedicatedIpWarmupAttributes(ctx, { AutoWarmupEnabled }) {
    await setDedicatedIpAutoWarmup(ctx, scopeOf(ctx), AutoWarmupEnabled)
    return {}
  },
} satisfies Partial<V2>

/** Absent until PutAccountDetails was called in the region. */
function details({ details: stored, review }: Settings) {
  if (stored === null) return undefined
  return {
    MailType: stored.mailType,
    WebsiteURL: stored.websiteUrl,
    ContactLanguage: stored.contactLanguage ?? undefined,
    UseCaseDescription: stored.useCaseDescription ?? undefined,
    AdditionalContactEmailAddresses:
      stored.additionalContactEmailAddresses.length === 0 ? undefined : [...stored.additionalContactEmailAddresses],
    ReviewDetails: review === null ? undefined : { Status: review.status, CaseId: review.caseId },
  }
}
