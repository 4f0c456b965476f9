/** May this key make this call? The check of IAM policies for everything that does not send. */
import { fail } from '../../errors/fail.ts'
import type { Caller, Services } from '../context.ts'
import { evaluate, type Verdict } from './evaluation.ts'
import { callContext } from './request.ts'

/** Sending is authorized later, by `authorizeSend`, when the identities that the message uses are known. */
const SENDING: ReadonlySet<string> = new Set([
  'SendEmail',
  'SendRawEmail',
  'SendTemplatedEmail',
  'SendBulkTemplatedEmail',
  'SendBulkEmail',
])

/**
 * The general check, made before the request is read. v1's actions have no resources; which one a v2 call is about, only
 * its decoded input shows: what may be allowed there passes here, and `authorizeResource` has the last word.
 * Throws AccessDenied.
 */
export function authorizeOperation(services: Services, caller: Caller, operation: string): void {
  if (SENDING.has(operation)) return
  check(services, caller, operation, caller.surface === 'v2' ? undefined : '*')
}

/**
 * The check of a v2 call against the resource that it is about: an ARN, or `*` where it is about none.
 * Throws AccessDenied.
 */
export function authorizeResource(services: Services, caller: Caller, operation: string, resource: string): void {
  if (SENDING.has(operation)) return
  check(services, caller, operation, resource)
}

function check(services: Services, caller: Caller, operation: string, resource: string | undefined): void {
  const { principal } = caller
  if (principal.policy === null) return
  const action = `ses:${operation}`
  const verdict = evaluate([principal.policy], 'key', {
    action,
    resource,
    context: callContext(services, caller),
    principal,
  })
  if (verdict !== 'allow') fail('AccessDenied', denial(caller, action, resource, verdict))
}

/** The text of current IAM. v1 names no resource (both observed). */
function denial(
  { principal, surface }: Caller,
  action: string,
  resource: string | undefined,
  verdict: Verdict,
): string {
  const on = surface === 'v2' ? ` on resource: ${resource ?? '*'}` : ''
  const why =
    verdict === 'deny'
      ? 'with an explicit deny in an identity-based policy'
      : `because no identity-based policy allows the ${action} action`
  return `User: ${principal.arn} is not authorized to perform: ${action}${on} ${why}`
}
