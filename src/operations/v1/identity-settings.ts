/** SES v1: the settings of identities, and what became of their proofs. */
import type { Ctx } from '../../domain/context.ts'
import { scopeOf } from '../../domain/context.ts'
import { setDkimEnabled } from '../../domain/identities/dkim.ts'
import { shownState } from '../../domain/identities/dkim-state.ts'
import { findAsked, type Identity } from '../../domain/identities/identity.ts'
import { setMailFrom } from '../../domain/identities/mail-from.ts'
import { selectorsOf } from '../../domain/identities/records.ts'
import { effectiveDkim } from '../../domain/identities/resolution.ts'
import { setFeedbackForwarding } from '../../domain/identities/settings.ts'
import type { V1 } from '../handlers.ts'

const STATES = {
  NOT_STARTED: 'NotStarted',
  PENDING: 'Pending',
  SUCCESS: 'Success',
  FAILED: 'Failed',
  TEMPORARY_FAILURE: 'TemporaryFailure',
} as const

const MAIL_FROM_STATES = { ...STATES, NOT_STARTED: 'Pending' } as const
const BEHAVIORS = { USE_DEFAULT_VALUE: 'UseDefaultValue', REJECT_MESSAGE: 'RejectMessage' } as const
const BEHAVIORS_OF_V1 = { UseDefaultValue: 'USE_DEFAULT_VALUE', RejectMessage: 'REJECT_MESSAGE' } as const

export const identitySettings = {
  async GetIdentityVerificationAttributes(ctx, { Identities }) {
    return {
      VerificationAttributes: await attributes(ctx, Identities, ({ kind, verification }) => ({
        VerificationStatus: STATES[verification.state],
        VerificationToken: kind === 'DOMAIN' ? verification.token : undefined,
      })),
    }
  },

  async GetIdentityDkimAttributes(ctx, { Identities }) {
    return {
      DkimAttributes: await attributes(ctx, Identities, async (identity) => {
        const { dkim } = (await effectiveDkim(ctx.store, scopeOf(ctx), identity)) ?? identity
        const tokens = selectorsOf(dkim)
        return {
          DkimEnabled: dkim.signingEnabled,
          DkimVerificationStatus: STATES[shownState(dkim)],
          DkimTokens: tokens.length > 0 ? [...tokens] : undefined,
        }
      }),
    }
  },

  async SetIdentityDkimEnabled(ctx, { Identity, DkimEnabled }) {
    await setDkimEnabled(ctx, Identity, DkimEnabled)
    return {}
  },

  async SetIdentityMailFromDomain(ctx, { Identity, MailFromDomain, BehaviorOnMXFailure }) {
    await setMailFrom(ctx, Identity, MailFromDomain, BehaviorOnMXFailure && BEHAVIORS_OF_V1[BehaviorOnMXFailure])
    return {}
  },

  async GetIdentityMailFromDomainAttributes(ctx, { Identities }) {
    return {
      MailFromDomainAttributes: await attributes(ctx, Identities, ({ mailFrom }) => ({
        // Without one there is only what happens by default (as in v2, where it was observed).
        MailFromDomain: mailFrom?.domain,
        MailFromDomainStatus: mailFrom === null ? undefined : MAIL_FROM_STATES[mailFrom.state],
        BehaviorOnMXFailure: BEHAVIORS[mailFrom?.behaviorOnMxFailure ?? 'USE_DEFAULT_VALUE'],
      })),
    }
  },

  async SetIdentityFeedbackForwardingEnabled(ctx, { Identity, ForwardingEnabled }) {
    await setFeedbackForwarding(ctx, Identity, ForwardingEnabled)
    return {}
  },

  async GetIdentityNotificationAttributes(ctx, { Identities }) {
    return {
      NotificationAttributes: await attributes(ctx, Identities, ({ feedback }) => ({
        BounceTopic: undefined,
        ComplaintTopic: undefined,
        DeliveryTopic: undefined,
        ForwardingEnabled: feedback.forwardingEnabled,
        HeadersInBounceNotificationsEnabled: false,
        HeadersInComplaintNotificationsEnabled: false,
        HeadersInDeliveryNotificationsEnabled: false,
      })),
    }
  },
} satisfies Partial<V1>

/** A map by the names that were asked for; those that do not exist are left out. */
async function attributes<T>(
  ctx: Ctx,
  names: readonly string[],
  of: (identity: Identity) => T | Promise<T>,
): Promise<Record<string, T>> {
  const found = await findAsked(ctx, scopeOf(ctx), names)
  return Object.fromEntries(
    await Promise.all(found.map(async ({ asked, identity }) => [asked, await of(identity)] as const)),
  )
}
