/** Which resource a v2 call is about, for IAM (Service Authorization Reference: "Amazon Simple Email Service v2"). */
import { resourceArn } from '../domain/authorization/arns.ts'
import type { Caller } from '../domain/context.ts'

/** Member of the input → kind of resource, in the order in which they are looked for. */
const KINDS: readonly (readonly [member: string, kind: string])[] = [
  ['EmailIdentity', 'identity'],
  ['ConfigurationSetName', 'configuration-set'],
  ['TemplateName', 'template'],
  ['ContactListName', 'contact-list'],
  ['PoolName', 'dedicated-ip-pool'],
]

/** The ARN of the resource that the decoded input names; `*` where it names none. */
export function resourceOf(caller: Caller, input: unknown): string {
  const given = textMember(input, 'ResourceArn')
  if (given !== undefined) return given
  for (const [member, kind] of KINDS) {
    const name = textMember(input, member)
    if (name !== undefined) return resourceArn(caller.scope, kind, name)
  }
  return '*'
}

function textMember(input: unknown, name: string): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined
  const value: unknown = Reflect.get(input, name)
  return typeof value === 'string' ? value : undefined
}
