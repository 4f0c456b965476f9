/** Who may call from where: CORS for the AWS APIs, and the guard that keeps web pages off a developer's server. */
import { isIP } from 'node:net'
import type { Config } from '../config/config.ts'
import type { Exchange, Reply } from './exchange.ts'
import { sameText } from './sigv4.ts'
import type { Route } from './types.ts'

type Caller = Pick<Exchange, 'headers' | 'sourceIp' | 'localIp'>
type OriginConfig = Pick<Config, 'hostname' | 'publicUrl' | 'controls' | 'adminToken' | 'corsOrigins'>

export type Access =
  | { readonly kind: 'granted' }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'refused'; readonly status: 401 | 403; readonly message: string }

const GRANTED: Access = { kind: 'granted' }
const HIDDEN: Access = { kind: 'hidden' }

/** Whether a non-AWS route is open to this caller. */
export function routeAccess(access: Route['access'], caller: Caller, config: OriginConfig): Access {
  if (access === 'public') return GRANTED
  if (access === 'controls' && !config.controls) return HIDDEN
  const token = bearerToken(caller.headers)
  if (token !== undefined && config.adminToken !== undefined) {
    return sameText(token, config.adminToken)
      ? GRANTED
      : { kind: 'refused', status: 401, message: 'The bearer token is not the admin token.' }
  }
  if (config.controls && isLocal(caller)) {
    return isOwnPage(caller, config)
      ? GRANTED
      : { kind: 'refused', status: 403, message: 'Requests with a foreign Origin or Host are refused.' }
  }
  return config.adminToken === undefined
    ? {
        kind: 'refused',
        status: 403,
        message: 'The admin API is open on the loopback interface only; set an admin token to reach it from elsewhere.',
      }
    : { kind: 'refused', status: 401, message: 'The admin API needs the admin token: Authorization: Bearer …' }
}

function bearerToken(headers: ReadonlyMap<string, string>): string | undefined {
  const authorization = headers.get('authorization') ?? ''
  return /^bearer /i.test(authorization) ? authorization.slice(7).trim() : undefined
}

/** From this machine, and not on behalf of another that a proxy here speaks for. */
function isLocal({ sourceIp, headers }: Caller): boolean {
  const loopback = sourceIp === '::1' || (sourceIp.startsWith('127.') && isIP(sourceIp) === 4)
  return loopback && !headers.has('forwarded') && !headers.has('x-forwarded-for') && !headers.has('via')
}

/**
 * No web page sent this, or one of ours: browsers name the page in Origin and Sec-Fetch-Site,
 * and a foreign name that resolves to us (DNS rebinding) shows in Host.
 */
function isOwnPage(caller: Caller, config: OriginConfig): boolean {
  const { headers } = caller
  const site = headers.get('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  if (!isOurHost(caller, config)) return false
  const origin = headers.get('origin')
  return origin === undefined || originHost(origin) === headers.get('host')?.toLowerCase()
}

function originHost(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@]+)$/i.exec(origin)?.[1]?.toLowerCase()
}

/** Localhost, our configured names, or the address itself that the caller reached. */
function isOurHost({ headers, localIp }: Caller, config: OriginConfig): boolean {
  const host = hostName(headers.get('host') ?? '')
  if (isIP(host)) return host === localIp || host === '127.0.0.1' || host === '::1'
  return host === 'localhost' || host === config.hostname.toLowerCase() || host === publicHost(config)
}

function publicHost({ publicUrl }: OriginConfig): string | undefined {
  return publicUrl !== undefined && URL.canParse(publicUrl) ? hostName(new URL(publicUrl).host) : undefined
}

/** Without port and brackets. */
function hostName(host: string): string {
  const bracketed = /^\[([0-9a-f:.]+)\](?::\d*)?$/i.exec(host)
  return (bracketed?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase()
}

/**
 * Whether an AWS call may come from where it comes from. Programs send neither Origin nor Sec-Fetch-*;
 * a page needs its origin to be configured, or to be ours: a presigned form needs no preflight to be sent.
 */
export function mayCallAws(caller: Caller, config: OriginConfig): boolean {
  const { headers } = caller
  const origin = headers.get('origin')
  if (origin === undefined && !headers.has('sec-fetch-site')) return true
  return isConfigured(origin, config) || isOwnPage(caller, config)
}

function isConfigured(origin: string | undefined, config: OriginConfig): origin is string {
  return origin !== undefined && config.corsOrigins.includes(origin)
}

/** The headers that let a page of a configured origin read an answer (Fetch standard, “HTTP responses” of CORS). */
export function corsHeaders({ headers }: Caller, config: OriginConfig): Readonly<Record<string, string>> {
  const origin = headers.get('origin')
  if (!isConfigured(origin, config)) return {}
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers': 'x-amzn-RequestId,x-amzn-ErrorType,Date',
    Vary: 'Origin',
  }
}

/** The answer to a preflight for an AWS API; undefined where the request is none, or its origin is not configured. */
export function answerPreflight(
  exchange: Caller & { readonly method: string },
  config: OriginConfig,
): Reply | undefined {
  const { headers } = exchange
  if (exchange.method !== 'OPTIONS' || !headers.has('access-control-request-method')) return undefined
  if (!isConfigured(headers.get('origin'), config)) return undefined
  return {
    status: 204,
    headers: {
      ...corsHeaders(exchange, config),
      'Access-Control-Allow-Methods': 'GET,POST,PUT,DELETE',
      'Access-Control-Allow-Headers': headers.get('access-control-request-headers') ?? '*',
      'Access-Control-Max-Age': '600',
    },
    body: '',
  }
}
