/** The way of an AWS call: route, signature, permission, shape, operation, answer. */
import type { Failure } from '../errors/catalogue.ts'
import { SesError, fail } from '../errors/fail.ts'
import type { Bodies } from './body.ts'
import { ClientGone, type Exchange, type Reply } from './exchange.ts'
import { corsHeaders, mayCallAws } from './origin.ts'
import type { Protocol } from './protocol.ts'
import type { SignatureClaim } from './signature.ts'
import { readSignature } from './signature.ts'
import { checkScope, checkSigner, createVerifier } from './sigv4.ts'
import type { Credential, HttpCall, HttpDeps } from './types.ts'

/** What is read of a request that will be refused: enough to find the operation, whose absence is told first. */
const REFUSED_BODY_BYTES = 64 * 1024
/** An access key id is 16 to 128 characters at AWS; ours may be shorter. */
const MAX_KEY_ID_LENGTH = 128

type Identified<P> = { readonly claim: SignatureClaim; readonly credential: Credential<P> }

/** Makes the function that answers AWS calls; it rejects only with ClientGone. */
export function createAwsHandler<P>(
  deps: HttpDeps<P>,
  bodies: Bodies,
): (exchange: Exchange, protocol: Protocol) => Promise<Reply> {
  const { config, wallClock, log } = deps
  const verify = createVerifier((canonicalRequest, stringToSign) => {
    const masked = canonicalRequest.replaceAll(/(x-amz-security-token[:=])[^\n&]*/gi, '$1…')
    log.debug('a signature does not match', { canonicalRequest: masked, stringToSign })
  })

  /** Who claims to call, as far as can be told without the body; or why he cannot. */
  async function identify(exchange: Exchange, protocol: Protocol): Promise<Identified<P> | SesError> {
    try {
      const claim = readSignature(exchange, protocol.api)
      const known = claim.accessKeyId.length <= MAX_KEY_ID_LENGTH ? await deps.credential(claim.accessKeyId) : undefined
      const credential = checkSigner(claim, known)
      checkScope(claim, credential, wallClock.now())
      return { claim, credential }
    } catch (error) {
      return refusal(error)
    }
  }

  /**
   * Reads the body and judges the signature over it. A refusal is a value here: that there is no such operation
   * goes before it, and which operation is meant stands in the body of a v1 call.
   */
  async function authenticate(exchange: Exchange, protocol: Protocol) {
    const identified = await identify(exchange, protocol)
    const limit = identified instanceof SesError ? REFUSED_BODY_BYTES : protocol.bodyLimit(config.limits)
    const sent = await bodies.read(exchange, limit).catch((error: unknown) => {
      throw identified instanceof SesError && !(error instanceof ClientGone) ? identified : error
    })
    if (identified instanceof SesError) return { body: sent, identified }
    try {
      verify(exchange, sent, identified.claim, identified.credential, wallClock.now())
    } catch (error) {
      return { body: sent, identified: refusal(error) }
    }
    const inflated = bodies.inflate(exchange, sent, limit)
    return { body: inflated instanceof Promise ? await inflated : inflated, identified }
  }

  async function answer(exchange: Exchange, protocol: Protocol): Promise<Reply> {
    if (!mayCallAws(exchange, config)) fail('AccessDenied', 'Calls from this origin are not allowed.')
    if (!deps.ready()) fail('ServiceUnavailable', 'Service is temporarily unavailable.')
    protocol.routeTarget(exchange)
    const { body, identified } = await authenticate(exchange, protocol)
    if (identified instanceof SesError) throw toldFirst(() => protocol.route(exchange, body)) ?? identified
    const routed = protocol.route(exchange, body)
    const call: HttpCall<P> = {
      service: protocol.api,
      operation: routed.operation.name,
      principal: identified.credential.principal,
      region: identified.claim.region,
      requestId: exchange.requestId,
      sourceIp: exchange.sourceIp,
      userAgent: exchange.headers.get('user-agent') ?? '',
      tlsVersion: exchange.tlsVersion,
    }
    deps.authorize(call)
    const input = routed.decode()
    try {
      return routed.reply(await deps.invoke(call, input))
    } catch (error) {
      // A bug is logged with the operation's name; a failure passes.
      throw error instanceof SesError ? error : new OperationError(call.operation, error)
    }
  }

  return async (exchange, protocol) => {
    const cors = corsHeaders(exchange, config)
    try {
      const reply = await answer(exchange, protocol)
      return { ...reply, headers: { ...reply.headers, ...cors } }
    } catch (error) {
      if (error instanceof ClientGone) throw error
      const failure = error instanceof SesError ? error : internalFailure(error)
      if (failure !== error) {
        const operation = error instanceof OperationError ? error.operation : null
        const cause = error instanceof OperationError ? error.cause : error
        log.error('a call failed', { requestId: exchange.requestId, operation, error: cause })
      }
      const reply = protocol.failure(failure, exchange.requestId)
      return { ...reply, headers: { ...reply.headers, ...cors } }
    }
  }
}

class OperationError extends Error {
  readonly operation: string
  constructor(operation: string, cause: unknown) {
    super(`${operation} failed`, { cause })
    this.operation = operation
  }
}

/** Of a bug the caller learns nothing. */
export function internalFailure(cause: unknown): SesError {
  return new SesError('InternalFailure', 'An internal failure has occurred.', {}, cause)
}

const TOLD_FIRST: ReadonlySet<Failure> = new Set([
  'MissingAction',
  'UnknownOperation',
  'NotImplemented',
  'UnknownAccessKey',
])

/** What a caller who is refused is told all the same: that there is no such operation. Nothing else is read of his body. */
function toldFirst(route: () => unknown): SesError | undefined {
  try {
    route()
  } catch (error) {
    if (error instanceof SesError && TOLD_FIRST.has(error.failure)) return error
  }
  return undefined
}

function refusal(error: unknown): SesError {
  if (error instanceof SesError) return error
  throw error
}
