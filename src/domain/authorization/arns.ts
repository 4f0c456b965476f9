/** Amazon Resource Names of identities and callers (IAM User Guide: "IAM ARNs"; SES API: SourceArn). */
import { fail } from '../../errors/fail.ts'
import type { Scope } from '../../store/types.ts'

export type IdentityArn = { readonly account: string; readonly region: string; readonly name: string }

const PARTITIONS: ReadonlySet<string> = new Set(['aws', 'aws-cn', 'aws-us-gov'])
const REGION = /^[a-z0-9-]{1,32}$/
const ACCOUNT = /^\d{12}$/
// Addresses are bounded where they are read; a quoted local part may hold spaces, slashes and colons.
const IDENTITY = /^identity\/[^\p{Cc}]{1,1000}$/u

/** `arn:aws:ses:REGION:ACCOUNT:identity/NAME`. */
export function identityArn(scope: Scope, name: string): string {
  return resourceArn(scope, 'identity', name)
}

/** The ARN of any SES resource of the scope, `arn:aws:ses:REGION:ACCOUNT:KIND/NAME`. */
export function resourceArn({ account, region }: Scope, kind: string, name: string): string {
  return `arn:aws:ses:${region}:${account}:${kind}/${name}`
}

/** `arn:aws:iam::ACCOUNT:user/NAME`; `root` is the account itself. */
export function principalArn(account: string, userName: string): string {
  return `arn:aws:iam::${account}:${userName === 'root' ? 'root' : `user/${userName}`}`
}

/**
 * Takes apart the ARN that a caller gives as SourceArn, FromArn, ReturnPathArn or in the matching header; its domain in
 * lower case, as identities are kept. Throws InvalidParameterValue `Invalid ARN <…>.` (as SES, observed).
 */
export function parseIdentityArn(arn: string): IdentityArn {
  return readIdentityArn(arn) ?? fail('InvalidParameterValue', `Invalid ARN <${arn}>.`)
}

/** Whether {@link parseIdentityArn} takes it. */
export function isIdentityArn(arn: string): boolean {
  return readIdentityArn(arn) !== undefined
}

function readIdentityArn(arn: string): IdentityArn | undefined {
  // Six parts; the resource keeps its colons (`identity/"a:b"@example.com`).
  const [prefix, partition = '', service, region = '', account = '', ...rest] = arn.split(':')
  const resource = rest.join(':')
  const isValid =
    prefix === 'arn' &&
    PARTITIONS.has(partition) &&
    service === 'ses' &&
    REGION.test(region) &&
    ACCOUNT.test(account) &&
    IDENTITY.test(resource)
  if (!isValid) return undefined
  return { account, region, name: withLowerDomain(resource.slice('identity/'.length)) }
}

function withLowerDomain(name: string): string {
  const at = name.lastIndexOf('@') + 1
  return name.slice(0, at) + name.slice(at).toLowerCase()
}
