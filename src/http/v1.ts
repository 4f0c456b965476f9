/** SES v1, the Query protocol: parameters in, XML out. */
import { isUtf8 } from 'node:buffer'
import { FAILURES } from '../errors/catalogue.ts'
import { fail } from '../errors/fail.ts'
import type { Operation } from '../model/shapes.ts'
import { findOperation } from '../model/shapes.ts'
import type { Exchange } from './exchange.ts'
import type { Form, FormNode } from './form.ts'
import { parseForm } from './form.ts'
import type { Protocol } from './protocol.ts'
import { queryReader } from './query-decode.ts'
import { OLD_SIGNATURE } from './signature.ts'
import { validator } from './validate.ts'
import { errorDocument, successDocument, xmlWriter } from './xml.ts'

const VERSION = '2010-12-01'
const SNS_VERSION = '2010-03-31'

type Codec = {
  readonly read: (root: FormNode) => Record<string, unknown>
  readonly validate: (input: unknown) => void
  readonly write: (output: unknown) => string
}

export const v1: Protocol = {
  api: 'v1',
  // A form may need three octets for one of the message; beyond that SES's own words on its size are of no use.
  bodyLimit: ({ v1MessageBytes }) => v1MessageBytes * 3 + 64 * 1024,
  routeTarget() {},
  route(exchange, body) {
    const form = parseForm(exchange.query, formText(exchange, body))
    const operation = findAction(form)
    // Signature version 2 signs forms by parameters of their own.
    if (form.get('AWSAccessKeyId') !== undefined && form.get('SignatureVersion') !== undefined) {
      fail('UnknownAccessKey', OLD_SIGNATURE)
    }
    const codec = codecFor(operation)
    return {
      operation,
      decode() {
        const input = codec.read(form.root)
        codec.validate(input)
        return input
      },
      reply: (output) => ({
        status: 200,
        headers: { 'Content-Type': 'text/xml' },
        body: successDocument(operation.name, codec.write(output), exchange.requestId),
      }),
    }
  },
  failure({ failure, text, detail }, requestId) {
    const [code, status] = FAILURES[failure].v1
    return {
      status,
      headers: { 'Content-Type': 'text/xml' },
      body: errorDocument({ status, code, message: text }, detail, requestId),
    }
  },
}

/** A body that says it is something else than a form has no parameters. */
function formText({ headers }: Exchange, body: Buffer): string {
  const type = headers.get('content-type')
  if (body.length === 0 || (type !== undefined && !/^\s*application\/x-www-form-urlencoded\b/i.test(type))) return ''
  if (!isUtf8(body)) fail('MalformedQueryString', 'The query string contains a syntax error.')
  return body.toString('utf8')
}

/** Requests without a Version are taken, as many small clients leave it out. */
function findAction(form: Form): Operation {
  const action = form.get('Action')
  if (!action) return fail('MissingAction', 'The request is missing an action or a required parameter.')
  const version = form.get('Version') || undefined
  if (version === SNS_VERSION) {
    fail(
      'NotImplemented',
      `The operation ${action.slice(0, 100)} of Amazon SNS (Version=${SNS_VERSION}) comes with a later version of Sesame.`,
    )
  }
  const operation = version === undefined || version === VERSION ? findOperation('v1', action) : undefined
  return (
    operation ??
    fail(
      'UnknownOperation',
      `Could not find operation ${action.slice(0, 100)} for version ${version?.slice(0, 40) ?? 'NO_VERSION_SPECIFIED'}`,
    )
  )
}

const CODECS = new Map<string, Codec>()

/** Compiled when an operation is first called: all 71 take some milliseconds. */
function codecFor({ name, input, output }: Operation): Codec {
  const known = CODECS.get(name)
  if (known) return known
  const codec = { read: queryReader(input), validate: validator(input), write: xmlWriter(output) }
  CODECS.set(name, codec)
  return codec
}
