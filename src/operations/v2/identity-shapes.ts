/** SES v2: the parts of an identity, in v2's shapes. */
import type { Ctx } from '../../domain/context.ts'
import { shownState } from '../../domain/identities/dkim-state.ts'
import type { Identity } from '../../domain/identities/identity.ts'
import { selectorsOf, signingHostedZone } from '../../domain/identities/records.ts'
import type { Input, SesV2Sdk } from '../../model/service.ts'

type Dkim = Identity['dkim']
type Origin = Input<typeof SesV2Sdk, 'PutEmailIdentityDkimSigningAttributes'>['SigningAttributesOrigin']

export function dkimAttributes({ config }: Ctx, dkim: Dkim) {
  const isEasy = dkim.origin !== 'EXTERNAL'
  const isSetUp = dkim.state !== 'NOT_STARTED' || dkim.tokens.length > 0 || !isEasy
  return {
    SigningEnabled: dkim.signingEnabled,
    Status: shownState(dkim),
    Tokens: isSetUp ? [...selectorsOf(dkim)] : undefined,
    SigningHostedZone: isEasy && isSetUp ? signingHostedZone(config.hostname) : undefined,
    SigningAttributesOrigin: isOrigin(dkim.origin) ? dkim.origin : undefined,
    // Where nothing is set up, SES answers with 1024 bits all the same (observed).
    NextSigningKeyLength: isEasy ? (dkim.nextKeyLength ?? 'RSA_1024_BIT') : undefined,
    CurrentSigningKeyLength: dkim.currentKeyLength ?? undefined,
    LastKeyGenerationTimestamp: date(dkim.keysMadeAt),
  } as const
}

/** Without a MAIL FROM domain there is only what happens by default (observed). */
export function mailFromAttributes(mailFrom: Identity['mailFrom']) {
  return {
    MailFromDomain: mailFrom?.domain,
    MailFromDomainStatus: mailFrom === null ? undefined : mailFromStatus(mailFrom.state),
    BehaviorOnMxFailure: mailFrom?.behaviorOnMxFailure ?? 'USE_DEFAULT_VALUE',
  } as const
}

function mailFromStatus(state: Dkim['state']) {
  return state === 'NOT_STARTED' ? 'PENDING' : state
}

export function verificationInfo({ lastCheckedAt, lastSuccessAt, error }: Identity['verification']) {
  return {
    LastCheckedTimestamp: date(lastCheckedAt),
    LastSuccessTimestamp: date(lastSuccessAt),
    ErrorType: error ?? undefined,
  }
}

export function tagsOf(tags: Identity['tags']) {
  return tags.map(({ key, value }) => ({ Key: key, Value: value }))
}

/** A replica's origin was one of the API's enum when it was set, so it is one now. */
function isOrigin(origin: string): origin is Origin {
  return origin === 'EXTERNAL' || origin.startsWith('AWS_SES')
}

function date(ms: number | null): Date | undefined {
  return ms === null ? undefined : new Date(ms)
}
