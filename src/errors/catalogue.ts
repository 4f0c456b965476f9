/**
 * Every failure that this server can answer with, in the three languages it speaks.
 * Domain code calls `fail('MessageRejected', …)` and knows nothing of the wire; http/ and smtp/ render a row.
 * test/errors.test.ts holds each row against the error schemas of AWS's own SDKs.
 */

/** `v1` and `v2`: wire code and HTTP status. `smtp`: reply code and the words before the message. */
export type Row = {
  readonly v1: readonly [code: string, status: number]
  readonly v2: readonly [exception: string, status: number]
  readonly smtp: readonly [code: number, prefix: string]
}

const REJECTED = [554, 'Message rejected: '] as const
const FAILED = [554, 'Transaction failed: '] as const
const AUTH = [535, 'Authentication Credentials Invalid'] as const
const THROTTLED = [454, 'Throttling failure: '] as const
const UNAVAILABLE = [451, 'Temporary service failure'] as const

// The SMTP prefixes are the guide's table "SMTP response codes"; the v1 ↔ v2 pairs are recorded in docs/fidelity.md.
const CATALOGUE = {
  // Sending
  MessageRejected: { v1: ['MessageRejected', 400], v2: ['MessageRejected', 400], smtp: REJECTED },
  AccountSuspended: { v1: ['MessageRejected', 400], v2: ['AccountSuspendedException', 400], smtp: REJECTED },
  AccountSendingPaused: {
    v1: ['AccountSendingPausedException', 400],
    v2: ['SendingPausedException', 400],
    smtp: REJECTED,
  },
  ConfigurationSetSendingPaused: {
    v1: ['ConfigurationSetSendingPausedException', 400],
    v2: ['SendingPausedException', 400],
    smtp: REJECTED,
  },
  MailFromDomainNotVerified: {
    v1: ['MailFromDomainNotVerifiedException', 400],
    v2: ['MailFromDomainNotVerifiedException', 400],
    smtp: [554, 'MAIL FROM domain not verified: '],
  },
  InvalidParameterValue: { v1: ['InvalidParameterValue', 400], v2: ['BadRequestException', 400], smtp: FAILED },
  MessageTooLong: {
    v1: ['InvalidParameterValue', 400],
    v2: ['BadRequestException', 400],
    smtp: [552, 'Message is too long.'],
  },
  SendingThrottled: { v1: ['Throttling', 400], v2: ['TooManyRequestsException', 429], smtp: THROTTLED },
  AccessDenied: { v1: ['AccessDenied', 403], v2: ['AccessDeniedException', 403], smtp: [554, 'Access denied: '] },
  NotFound: { v1: ['InvalidParameterValue', 400], v2: ['NotFoundException', 404], smtp: FAILED },
  ProductionAccessNotGranted: {
    v1: ['ProductionAccessNotGranted', 400],
    v2: ['BadRequestException', 400],
    smtp: REJECTED,
  },

  // Resources
  AlreadyExists: { v1: ['AlreadyExists', 400], v2: ['AlreadyExistsException', 400], smtp: FAILED },
  Conflict: { v1: ['InvalidParameterValue', 400], v2: ['ConflictException', 409], smtp: FAILED },
  ConcurrentModification: {
    v1: ['InternalFailure', 500],
    v2: ['ConcurrentModificationException', 500],
    smtp: UNAVAILABLE,
  },
  LimitExceeded: { v1: ['LimitExceeded', 400], v2: ['LimitExceededException', 400], smtp: FAILED },
  InvalidNextToken: { v1: ['InvalidParameterValue', 400], v2: ['InvalidNextTokenException', 400], smtp: FAILED },
  ConfigurationSetDoesNotExist: {
    v1: ['ConfigurationSetDoesNotExist', 400],
    v2: ['NotFoundException', 404],
    smtp: FAILED,
  },
  ConfigurationSetAlreadyExists: {
    v1: ['ConfigurationSetAlreadyExists', 400],
    v2: ['AlreadyExistsException', 400],
    smtp: FAILED,
  },
  InvalidConfigurationSet: { v1: ['InvalidConfigurationSet', 400], v2: ['BadRequestException', 400], smtp: FAILED },
  TemplateDoesNotExist: { v1: ['TemplateDoesNotExist', 400], v2: ['NotFoundException', 404], smtp: FAILED },
  FromEmailAddressNotVerified: {
    v1: ['FromEmailAddressNotVerified', 400],
    v2: ['NotFoundException', 404],
    smtp: REJECTED,
  },
  InvalidPolicy: { v1: ['InvalidPolicy', 400], v2: ['BadRequestException', 400], smtp: FAILED },

  // The request itself
  Validation: { v1: ['ValidationError', 400], v2: ['BadRequestException', 400], smtp: FAILED },
  MissingQueryParameter: { v1: ['MissingParameter', 400], v2: ['ValidationException', 400], smtp: FAILED },
  Serialization: { v1: ['MalformedInput', 400], v2: ['SerializationException', 400], smtp: FAILED },
  MalformedQueryString: { v1: ['MalformedQueryString', 400], v2: ['BadRequestException', 400], smtp: FAILED },
  RequestTooLarge: {
    v1: ['RequestEntityTooLarge', 413],
    v2: ['RequestEntityTooLargeException', 413],
    smtp: [552, 'Message is too long.'],
  },
  MissingAction: { v1: ['MissingAction', 400], v2: ['UnknownOperationException', 404], smtp: FAILED },
  UnknownOperation: { v1: ['InvalidAction', 400], v2: ['UnknownOperationException', 404], smtp: FAILED },
  NotImplemented: { v1: ['NotImplemented', 501], v2: ['NotImplementedException', 501], smtp: [502, ''] },

  // Who is asking
  MissingAuthenticationToken: {
    v1: ['MissingAuthenticationToken', 403],
    v2: ['MissingAuthenticationTokenException', 403],
    smtp: [530, 'Authentication required'],
  },
  UnknownAccessKey: { v1: ['InvalidClientTokenId', 403], v2: ['UnrecognizedClientException', 403], smtp: AUTH },
  SignatureDoesNotMatch: { v1: ['SignatureDoesNotMatch', 403], v2: ['InvalidSignatureException', 403], smtp: AUTH },
  IncompleteSignature: { v1: ['IncompleteSignature', 400], v2: ['IncompleteSignatureException', 400], smtp: AUTH },
  ExpiredToken: { v1: ['ExpiredToken', 403], v2: ['ExpiredTokenException', 403], smtp: AUTH },
  RequestExpired: { v1: ['RequestExpired', 400], v2: ['RequestExpired', 400], smtp: AUTH },
  OptInRequired: {
    v1: ['OptInRequired', 403],
    v2: ['OptInRequired', 403],
    smtp: [535, 'Account not subscribed to SES'],
  },

  // Ours
  Throttled: { v1: ['Throttling', 400], v2: ['TooManyRequestsException', 429], smtp: THROTTLED },
  ServiceUnavailable: { v1: ['ServiceUnavailable', 503], v2: ['ServiceUnavailable', 503], smtp: UNAVAILABLE },
  InternalFailure: {
    v1: ['InternalFailure', 500],
    v2: ['InternalServiceErrorException', 500],
    smtp: UNAVAILABLE,
  },
  // Observed: a null where AWS's own code expects none ends in its framework, whose exception v2 does not model.
  UnhandledNull: { v1: ['InternalFailure', 500], v2: ['InternalFailure', 500], smtp: UNAVAILABLE },
} as const satisfies Record<string, Row>

export type Failure = keyof typeof CATALOGUE
export const FAILURES: Readonly<Record<Failure, Row>> = CATALOGUE

/** Narrows any string (a fault rule's, say) to a row of the catalogue. */
export function isFailure(name: string): name is Failure {
  return Object.hasOwn(CATALOGUE, name)
}
