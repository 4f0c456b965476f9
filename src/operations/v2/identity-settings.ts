/** SES v2: the settings of identities. A flag that is not given is false. */
import { putDkimSigning, setDkimEnabled } from '../../domain/identities/dkim.ts'
import { shownState } from '../../domain/identities/dkim-state.ts'
import { setMailFrom } from '../../domain/identities/mail-from.ts'
import { selectorsOf, signingHostedZone } from '../../domain/identities/records.ts'
import { setConfigurationSet, setFeedbackForwarding } from '../../domain/identities/settings.ts'
import type { V2 } from '../handlers.ts'

export const identitySettings = {
  async PutEmailIdentityDkimAttributes(ctx, { EmailIdentity, SigningEnabled = false }) {
    await setDkimEnabled(ctx, EmailIdentity, SigningEnabled)
    return {}
  },

  async PutEmailIdentityDkimSigningAttributes(ctx, { EmailIdentity, SigningAttributesOrigin, SigningAttributes }) {
    const dkim = await putDkimSigning(ctx, EmailIdentity, SigningAttributesOrigin, {
      selector: SigningAttributes?.DomainSigningSelector,
      privateKey: SigningAttributes?.DomainSigningPrivateKey,
      nextKeyLength: SigningAttributes?.NextSigningKeyLength,
    })
    return {
      DkimStatus: shownState(dkim),
      DkimTokens: [...selectorsOf(dkim)],
      SigningHostedZone: dkim.origin === 'EXTERNAL' ? undefined : signingHostedZone(ctx.config.hostname),
    }
  },

  async PutEmailIdentityFeedbackAttributes(ctx, { EmailIdentity, EmailForwardingEnabled = false }) {
    await setFeedbackForwarding(ctx, EmailIdentity, EmailForwardingEnabled)
    return {}
  },

  async PutEmailIdentityMailFromAttributes(ctx, { EmailIdentity, MailFromDomain, BehaviorOnMxFailure }) {
    await setMailFrom(ctx, EmailIdentity, MailFromDomain, BehaviorOnMxFailure)
    return {}
  },

  async PutEmailIdentityConfigurationSetAttributes(ctx, { EmailIdentity, ConfigurationSetName }) {
    await setConfigurationSet(ctx, EmailIdentity, ConfigurationSetName ?? null)
    return {}
  },
} satisfies Partial<V2>
