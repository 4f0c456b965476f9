/** Real DNS: questions to the system's resolvers, or to the one server that the operator named. */
import { Resolver } from 'node:dns/promises'
import type { Dns, DnsAnswer } from './platform.ts'

/** One try of this length, then two more (c-ares lengthens each): a dead resolver is told within some 10 s. */
const TRY_TIMEOUT_MS = 2000
const TRIES = 3

/** `server`: an IP address with or without a port (`127.0.0.1:5353`, `[::1]:53`); undefined: the system's resolvers. */
export function realDns(server: string | undefined): Dns {
  const resolver = new Resolver({ timeout: TRY_TIMEOUT_MS, tries: TRIES })
  if (server !== undefined) resolver.setServers([server])
  return {
    txt: (name) => answer(async () => (await resolver.resolveTxt(name)).map((strings) => strings.join(''))),
    cname: (name) => answer(async () => (await resolver.resolveCname(name)).map(withoutFinalDot)),
    mx: (name) =>
      answer(async () =>
        (await resolver.resolveMx(name)).map(({ exchange, priority }) => ({
          exchange: withoutFinalDot(exchange),
          preference: priority,
        })),
      ),
  }
}

async function answer<T>(ask: () => Promise<T[]>): Promise<DnsAnswer<T>> {
  try {
    const records = await ask()
    return records.length > 0 ? { kind: 'found', records } : { kind: 'none', why: 'no-such-type' }
  } catch (error) {
    return explain(codeOf(error))
  }
}

/** c-ares' error codes: NXDOMAIN is ENOTFOUND, an answer without such records is ENODATA; all else may pass. */
function explain(code: string): DnsAnswer<never> {
  switch (code) {
    case 'ENOTFOUND':
    case 'EBADNAME':
    case 'ERR_INVALID_ARG_VALUE':
      return { kind: 'none', why: 'no-such-host' }
    case 'ENODATA':
      return { kind: 'none', why: 'no-such-type' }
    default:
      return { kind: 'temporary', reason: code }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error)
}

function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}
