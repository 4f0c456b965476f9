/** SES v1: the account's sending switch, quota and statistics. Shapes in, domain, shapes out. */
import { accountSettings, isSendingEnabled, setSendingEnabled } from '../../domain/accounts/settings.ts'
import { sendStatistics } from '../../domain/accounts/statistics.ts'
import { scopeOf } from '../../domain/context.ts'
import type { V1 } from '../handlers.ts'

export const account = {
  async GetAccountSendingEnabled(ctx) {
    return { Enabled: isSendingEnabled(await accountSettings(ctx, scopeOf(ctx))) }
  },

  async UpdateAccountSendingEnabled(ctx, { Enabled }) {
    await setSendingEnabled(ctx, scopeOf(ctx), Enabled)
    return {}
  },

  async GetSendQuota(ctx) {
    const { max24HourSend, maxSendRate } = await accountSettings(ctx, scopeOf(ctx))
    const SentLast24Hours = await ctx.quotas.sentLast24Hours(scopeOf(ctx))
    return { Max24HourSend: max24HourSend, MaxSendRate: maxSendRate, SentLast24Hours }
  },

  async GetSendStatistics(ctx) {
    const points = await sendStatistics(ctx, scopeOf(ctx))
    return {
      SendDataPoints: points.map(({ at, deliveryAttempts, bounces, complaints, rejects }) => ({
        Timestamp: new Date(at),
        DeliveryAttempts: deliveryAttempts,
        Bounces: bounces,
        Complaints: complaints,
        Rejects: rejects,
      })),
    }
  },
} satisfies Partial<V1>
