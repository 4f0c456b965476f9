/** May this key send with this resource? Its IAM policy, and the sending authorization policies of the identity. */
import { fail } from '../../errors/fail.ts'
import type { CachedReads } from '../../store/cached.ts'
import type { Ctx } from '../context.ts'
import { parseIdentityArn } from './arns.ts'
import { evaluate, type Verdict } from './evaluation.ts'
import { sendContext, type SendAttributes } from './request.ts'

export type { SendAttributes }

/**
 * Checks a send against one resource: the ARN of an identity, a configuration set or a template, in the account `owner`.
 * - In the caller's own account the key's policy must allow it, or a policy of the identity that names the user.
 * - For another account's identity both must: the key's policy, and a policy of the identity for the user or his account.
 * - A deny anywhere wins.
 *
 * Throws AccessDenied with SES's text for sending; InvalidParameterValue when `resource` is not an ARN.
 */
export async function authorizeSend(
  ctx: Ctx,
  resource: string,
  owner: string,
  attributes: SendAttributes,
): Promise<void> {
  const { principal } = ctx.caller
  const policies = await identityPolicies(ctx.store.cached, resource)
  if (isUnrestricted(ctx, policies, owner)) return
  const { action } = attributes
  const request = { action, resource, context: sendContext(ctx, ctx.caller, attributes), principal }
  const byKey: Verdict = principal.policy === null ? 'allow' : evaluate([principal.policy], 'key', request)
  const byIdentity = evaluate(policies, 'identity', request)
  const isAllowed =
    owner === principal.account
      ? byKey === 'allow' || byIdentity === 'allow'
      : byKey === 'allow' && (byIdentity === 'allow' || byIdentity === 'account')
  if (byKey === 'deny' || byIdentity === 'deny' || !isAllowed) {
    fail(
      'AccessDenied',
      `User \`${principal.arn}' is not authorized to perform \`${action}' on resource \`${resource}'`,
    )
  }
}

/** The way of nearly every send: no policy anywhere, so nothing to weigh. */
export function isUnrestricted({ caller: { principal } }: Ctx, policies: readonly string[], owner: string): boolean {
  return principal.policy === null && policies.length === 0 && owner === principal.account
}

/** Only identities have policies of their own. Throws InvalidParameterValue when `resource` is not an ARN. */
export async function identityPolicies(
  { identities }: Pick<CachedReads, 'identities'>,
  resource: string,
): Promise<readonly string[]> {
  if (/^arn:[^:]*:ses:[^:]*:[^:]*:(?:configuration-set|template)\//.test(resource)) return []
  const { account, region, name } = parseIdentityArn(resource)
  const policies = await identities.policies({ account, region }, name)
  return policies.map(({ policy }) => policy)
}
