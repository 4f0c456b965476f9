/** The condition keys of a request (SES guide: "Identity and access management in Amazon SES", IAM: "Global condition keys"). */
import type { Caller, Services } from '../context.ts'
import type { RequestContext } from './conditions.ts'

/** What is known of a message when its sending is authorized. Addresses are bare, in the caller's spelling. */
export type SendAttributes = {
  /** `ses:SendEmail`, `ses:SendRawEmail`, … */
  readonly action: string
  readonly recipients: readonly string[]
  readonly fromAddress: string
  readonly fromDisplayName: string | null
  readonly feedbackAddress: string | null
  readonly configurationSet: string | null
  readonly apiVersion: '1' | '2'
}

/** The keys of any call. */
export function callContext(services: Services, caller: Caller): RequestContext {
  const now = services.clock.now()
  const { principal } = caller
  return withoutEmpty([
    ['aws:currenttime', new Date(now).toISOString()],
    ['aws:epochtime', String(Math.floor(now / 1000))],
    ['aws:securetransport', String(caller.tlsVersion !== null)],
    ['aws:sourceip', caller.sourceIp],
    ['aws:useragent', caller.userAgent],
    ['aws:username', principal.userName === 'root' ? null : principal.userName],
    ['aws:principalarn', principal.arn],
    ['aws:principalaccount', principal.account],
    ['aws:principaltype', principal.userName === 'root' ? 'Account' : 'User'],
    ['aws:requestedregion', caller.scope.region],
    // SMTP counts as version 2 (SES guide: "Restricting by SES API version").
    ['ses:apiversion', caller.surface === 'v1' ? '1' : '2'],
  ])
}

/** The keys of a call that sends. */
export function sendContext(services: Services, caller: Caller, attributes: SendAttributes): RequestContext {
  return new Map([
    ...callContext(services, caller),
    ...withoutEmpty([
      ['ses:recipients', attributes.recipients],
      ['ses:fromaddress', attributes.fromAddress],
      ['ses:fromdisplayname', attributes.fromDisplayName],
      ['ses:feedbackaddress', attributes.feedbackAddress],
      ['ses:apiversion', attributes.apiVersion],
    ]),
  ])
}

function withoutEmpty(
  entries: readonly (readonly [key: string, value: string | readonly string[] | null])[],
): Map<string, readonly string[]> {
  const context = new Map<string, readonly string[]>()
  for (const [key, value] of entries) {
    if (typeof value === 'string') context.set(key, [value])
    else if (value !== null && value.length > 0) context.set(key, value)
  }
  return context
}
