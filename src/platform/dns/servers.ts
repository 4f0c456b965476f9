/** Which DNS servers are asked. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { addressKind } from '../addresses.ts'
import type { Server } from './exchange.ts'

/** `isTrusted`: its word on DNSSEC counts, since nobody stands between us (loopback), or the operator named it. */
export type TrustedServer = Server & { readonly isTrusted: boolean }

const DNS_PORT = 53
/** resolv.conf(5) has three. */
const MAX_SERVERS = 3

/** `named`: an IP address with or without a port (`127.0.0.1:5353`, `[::1]:53`); undefined: those of /etc/resolv.conf. */
export function dnsServers(named: string | undefined, resolvConf = '/etc/resolv.conf'): readonly TrustedServer[] {
  if (named !== undefined) return [{ ...serverFrom(named), isTrusted: true }]
  const found = nameserversIn(readIfThere(resolvConf))
    .slice(0, MAX_SERVERS)
    .map((address) => ({ address, port: DNS_PORT, isTrusted: addressKind(address) === 'loopback' }))
  // What resolv.conf(5) says of an empty file.
  return found.length > 0 ? found : [{ address: '127.0.0.1', port: DNS_PORT, isTrusted: true }]
}

function serverFrom(text: string): Server {
  const bracketed = /^\[(.*)\](?::([0-9]+))?$/.exec(text)
  if (bracketed !== null) return { address: bracketed[1] ?? '', port: Number(bracketed[2] ?? DNS_PORT) }
  if (isIP(text) !== 0) return { address: text, port: DNS_PORT }
  const [address = '', port] = text.split(':')
  return { address, port: Number(port ?? DNS_PORT) }
}

function nameserversIn(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [keyword, address = ''] = line.trim().split(/\s+/)
    return keyword === 'nameserver' && isIP(address.replace(/%.*$/, '')) !== 0 ? [address] : []
  })
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
