/** SES v1: identities, how they are proved, and their sending authorization policies. */
import { verifyAddress } from '../../domain/identities/addresses.ts'
import { removeIdentity } from '../../domain/identities/create.ts'
import { verifyDomain, verifyDomainDkim } from '../../domain/identities/domains.ts'
import { listIdentitiesV1, verifiedAddresses } from '../../domain/identities/listing.ts'
import { askedPolicies, policiesOf, putPolicy, removePolicy } from '../../domain/identities/policies.ts'
import type { V1 } from '../handlers.ts'
import { identitySettings } from './identity-settings.ts'

const KINDS = { EmailAddress: 'EMAIL_ADDRESS', Domain: 'DOMAIN' } as const

export const identities = {
  ...identitySettings,

  async VerifyEmailIdentity(ctx, { EmailAddress }) {
    await verifyAddress(ctx, EmailAddress)
    return {}
  },

  async VerifyEmailAddress(ctx, { EmailAddress }) {
    await verifyAddress(ctx, EmailAddress)
    return {}
  },

  async VerifyDomainIdentity(ctx, { Domain }) {
    return { VerificationToken: await verifyDomain(ctx, Domain) }
  },

  async VerifyDomainDkim(ctx, { Domain }) {
    return { DkimTokens: [...(await verifyDomainDkim(ctx, Domain))] }
  },

  async DeleteIdentity(ctx, { Identity }) {
    await removeIdentity(ctx, Identity)
    return {}
  },

  async DeleteVerifiedEmailAddress(ctx, { EmailAddress }) {
    // A domain has no @: this call is for addresses only.
    if (EmailAddress.includes('@')) await removeIdentity(ctx, EmailAddress)
    return {}
  },

  async ListIdentities(ctx, { IdentityType, MaxItems, NextToken }) {
    const kind = IdentityType && KINDS[IdentityType]
    const { items, nextToken } = await listIdentitiesV1(ctx, { kind, size: MaxItems, nextToken: NextToken })
    return { Identities: items.map(({ name }) => name), NextToken: nextToken }
  },

  async ListVerifiedEmailAddresses(ctx) {
    return { VerifiedEmailAddresses: [...(await verifiedAddresses(ctx))] }
  },

  async PutIdentityPolicy(ctx, { Identity, PolicyName, Policy }) {
    await putPolicy(ctx, Identity, PolicyName, Policy)
    return {}
  },

  async GetIdentityPolicies(ctx, { Identity, PolicyNames }) {
    const policies = await askedPolicies(ctx, Identity, PolicyNames)
    return { Policies: Object.fromEntries(policies.map(({ name, policy }) => [name, policy])) }
  },

  async ListIdentityPolicies(ctx, { Identity }) {
    return { PolicyNames: (await policiesOf(ctx, Identity)).map(({ name }) => name) }
  },

  async DeleteIdentityPolicy(ctx, { Identity, PolicyName }) {
    await removePolicy(ctx, Identity, PolicyName)
    return {}
  },
} satisfies Partial<V1>
