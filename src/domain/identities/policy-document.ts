/** What SES asks of a sending authorization policy before it keeps it (SES guide: "Policy anatomy", "Policy requirements"). */
import { fail } from '../../errors/fail.ts'
import type { Scope } from '../../store/types.ts'
import { parsePolicy } from '../authorization/policy.ts'
import type { Services } from '../context.ts'
import { storedName } from './names.ts'

const RESOURCE = /^arn:(?:aws|aws-cn|aws-us-gov):ses:([a-z0-9-]{1,32}):(\d{12}):identity\/(\S{1,320})$/
const PRINCIPAL =
  /^(?:(\d{12})|arn:(?:aws|aws-cn|aws-us-gov):(?:iam|sts)::(\d{12}):(?:root|(?:user|role|assumed-role|federated-user)\/\S{1,512}))$/

/**
 * The policy as it is kept: without its insignificant whitespace (as SES, observed). Syntax comes first, then resources,
 * then principals (order and texts of the last two as SES, observed). Throws InvalidPolicy.
 */
export async function checkPolicy(services: Services, scope: Scope, identity: string, policy: string): Promise<string> {
  const parsed = parsePolicy(policy, 'identity')
  if (!parsed.ok) fail('InvalidPolicy', parsed.error)
  for (const { resources } of parsed.statements) {
    if (resources.isNegated) fail('InvalidPolicy', 'A sending authorization policy has no NotResource.')
    for (const resource of resources.patterns) checkResource(scope, identity, resource)
  }
  const principals = new Set(parsed.statements.flatMap((statement) => statement.principals?.patterns ?? []))
  for (const principal of principals) await checkPrincipal(services, principal)
  return withoutWhitespace(policy)
}

/** Every resource must be the identity that the policy is attached to. */
function checkResource({ account, region }: Scope, identity: string, resource: string): void {
  const [, inRegion, inAccount, name] = RESOURCE.exec(resource) ?? fail('InvalidPolicy', 'Invalid ARN')
  if (inRegion !== region || inAccount !== account || storedName(name ?? '') !== identity) {
    fail('InvalidPolicy', `Policy has a resource that is not the identity it is attached to: ${resource}`)
  }
}

/** An account must be there; its users and roles are known by its keys only, and so are taken as they come. */
async function checkPrincipal({ store }: Services, principal: string): Promise<void> {
  if (principal === '*') return
  const [, id, ofArn] = PRINCIPAL.exec(principal) ?? []
  const account = id ?? ofArn
  if (account === undefined || (await store.accounts.find(account)) === undefined) {
    fail('InvalidPolicy', 'Policy contains an invalid principal')
  }
}

/** `json` is valid JSON; what stands within its strings is kept. */
export function withoutWhitespace(json: string): string {
  let kept = ''
  let isText = false
  for (let at = 0; at < json.length; at++) {
    const character = json.charAt(at)
    if (isText && character === '\\') {
      kept += character + json.charAt(at + 1)
      at++
      continue
    }
    if (character === '"') isText = !isText
    if (isText || !' \t\r\n'.includes(character)) kept += character
  }
  return kept
}
