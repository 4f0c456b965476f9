/** SES v2: identities, their sending authorization policies, and the tags of resources. */
import { scopeOf } from '../../domain/context.ts'
import { createIdentity, deleteIdentity } from '../../domain/identities/create.ts'
import { listIdentitiesV2 } from '../../domain/identities/listing.ts'
import { createPolicy, deletePolicy, getPolicies, updatePolicy } from '../../domain/identities/policies.ts'
import { effectiveDkim, isVerified } from '../../domain/identities/resolution.ts'
import { requireIdentity } from '../../domain/identities/identity.ts'
import { listTags, tagResource, untagResource } from '../../domain/identities/tags.ts'
import type { V2 } from '../handlers.ts'
import { dkimAttributes, mailFromAttributes, tagsOf, verificationInfo } from './identity-shapes.ts'
import { identitySettings } from './identity-settings.ts'

export const identities = {
  ...identitySettings,

  async CreateEmailIdentity(ctx, { EmailIdentity, Tags = [], DkimSigningAttributes: signing, ConfigurationSetName }) {
    const identity = await createIdentity(ctx, {
      name: EmailIdentity,
      tags: Tags.map(({ Key, Value }) => ({ key: Key, value: Value })),
      configurationSet: ConfigurationSetName,
      signing: signing && {
        selector: signing.DomainSigningSelector,
        privateKey: signing.DomainSigningPrivateKey,
        nextKeyLength: signing.NextSigningKeyLength,
        origin: signing.DomainSigningAttributesOrigin,
      },
    })
    const { kind, dkim } = identity
    // The search begins behind the answer, which says so (as SES, observed). An address has no DKIM of its own.
    const answered = dkim.state === 'PENDING' ? { ...dkim, state: 'NOT_STARTED' as const } : dkim
    return {
      IdentityType: kind,
      VerifiedForSendingStatus: isVerified(identity),
      DkimAttributes: kind === 'DOMAIN' ? dkimAttributes(ctx, answered) : undefined,
    }
  },

  async GetEmailIdentity(ctx, { EmailIdentity }) {
    const scope = scopeOf(ctx)
    const identity = await requireIdentity(ctx, scope, EmailIdentity)
    const { dkim } = (await effectiveDkim(ctx.store, scope, identity)) ?? identity
    const policies = await getPolicies(ctx, EmailIdentity)
    return {
      IdentityType: identity.kind,
      FeedbackForwardingStatus: identity.feedback.forwardingEnabled,
      VerifiedForSendingStatus: isVerified(identity),
      DkimAttributes: dkimAttributes(ctx, dkim),
      MailFromAttributes: mailFromAttributes(identity.mailFrom),
      Policies: Object.fromEntries(policies.map(({ name, policy }) => [name, policy])),
      Tags: tagsOf(identity.tags),
      ConfigurationSetName: identity.configurationSet ?? undefined,
      VerificationStatus: identity.verification.state,
      VerificationInfo: verificationInfo(identity.verification),
    }
  },

  async DeleteEmailIdentity(ctx, { EmailIdentity }) {
    await deleteIdentity(ctx, EmailIdentity)
    return {}
  },

  async ListEmailIdentities(ctx, { Filter = {}, NextToken, PageSize }) {
    const { items, nextToken } = await listIdentitiesV2(ctx, {
      filter: new Map(Object.entries(Filter)),
      nextToken: NextToken,
      size: PageSize,
    })
    return {
      EmailIdentities: items.map((identity) => ({
        IdentityType: identity.kind,
        IdentityName: identity.name,
        SendingEnabled: isVerified(identity),
        VerificationStatus: identity.verification.state,
      })),
      NextToken: nextToken,
    }
  },

  async CreateEmailIdentityPolicy(ctx, { EmailIdentity, PolicyName, Policy }) {
    await createPolicy(ctx, EmailIdentity, PolicyName, Policy)
    return {}
  },

  async UpdateEmailIdentityPolicy(ctx, { EmailIdentity, PolicyName, Policy }) {
    await updatePolicy(ctx, EmailIdentity, PolicyName, Policy)
    return {}
  },

  async DeleteEmailIdentityPolicy(ctx, { EmailIdentity, PolicyName }) {
    await deletePolicy(ctx, EmailIdentity, PolicyName)
    return {}
  },

  async GetEmailIdentityPolicies(ctx, { EmailIdentity }) {
    const policies = await getPolicies(ctx, EmailIdentity)
    return { Policies: Object.fromEntries(policies.map(({ name, policy }) => [name, policy])) }
  },

  async TagResource(ctx, { ResourceArn, Tags }) {
    await tagResource(
      ctx,
      ResourceArn,
      Tags.map(({ Key, Value }) => ({ key: Key, value: Value })),
    )
    return {}
  },

  async UntagResource(ctx, { ResourceArn, TagKeys }) {
    await untagResource(ctx, ResourceArn, TagKeys)
    return {}
  },

  async ListTagsForResource(ctx, { ResourceArn }) {
    return { Tags: tagsOf(await listTags(ctx, ResourceArn)) }
  },
} satisfies Partial<V2>
