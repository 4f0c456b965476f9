/** The certificate of the TLS listeners: from files, read again when they change, or self-made on first start. */
import { X509Certificate } from 'node:crypto'
import { watch as watchDirectory } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Config } from '../config/config.ts'
import type { Log } from '../platform/platform.ts'

/** PEM texts. */
export type Pem = { readonly cert: string; readonly key: string }

export type Certificate = {
  /** For the next handshake of a client; connections that stand keep theirs. */
  readonly secureContext: () => SecureContext
  /** Likewise, of another mail server. */
  readonly inboundContext: () => SecureContext
  readonly pem: () => Pem
  /** Calls `listener` after each change, for servers that must be told (`https.Server.setSecureContext`). */
  readonly onChange: (listener: (pem: Pem) => void) => void
  /** Ends the watching. */
  readonly close: () => void
}

/** Calls `changed` when something in `directory` may have changed, until the returned function is called. */
export type Watch = (directory: string, changed: () => void) => () => void

export type CertificateConfig = Pick<
  Config,
  'profile' | 'hostname' | 'dataDir' | 'tlsCert' | 'tlsKey' | 'tlsMinVersion'
>

/** RFC 5280 §4.1.2.5: no well-defined end. A certificate that nobody can verify need not expire either. */
const NEVER = new Date('9999-12-31T23:59:59Z')
/** RFC 5280 appendix A, ub-common-name; what clients compare is the subjectAltName. */
const MAX_COMMON_NAME = 64
/** Before any clock that we may meet: hosts whose clocks differ are no reason to refuse it. */
const LONG_AGO = new Date('2020-01-01T00:00:00Z')

/**
 * Loads `tlsCert` and `tlsKey`, or without them the certificate in the data directory, made there if need be.
 * Rejects with an error for the operator when files are missing, unreadable or do not belong together.
 */
export async function loadCertificate(config: CertificateConfig, log: Log, watch = watchFiles): Promise<Certificate> {
  const { tlsCert, tlsKey } = config
  if (tlsCert === undefined && tlsKey === undefined) {
    if (config.profile === 'production')
      log.warn('no --tls-cert: SMTP has a certificate of its own making, which no client can verify, and HTTP is plain')
    return fixed(await ownPem(config, log), config)
  }
  if (tlsCert === undefined) throw new Error('--tls-key is given without --tls-cert')
  if (tlsKey === undefined) throw new Error('--tls-cert is given without --tls-key')
  return watched({ cert: tlsCert, key: tlsKey }, config, log, watch)
}

function fixed(pem: Pem, config: CertificateConfig): Certificate {
  const { clients, servers } = contextsOf(pem, config)
  return {
    secureContext: () => clients,
    inboundContext: () => servers,
    pem: () => pem,
    onChange: () => {},
    close: () => {},
  }
}

async function watched(files: Pem, config: CertificateConfig, log: Log, watch: Watch): Promise<Certificate> {
  let pem = await readPem(files)
  let contexts = contextsFrom(files, pem, config)
  const listeners: ((pem: Pem) => void)[] = []

  async function reload(): Promise<void> {
    try {
      const fresh = await readPem(files)
      if (fresh.cert === pem.cert && fresh.key === pem.key) return
      contexts = contextsFrom(files, fresh, config)
      pem = fresh
      log.info('certificate reloaded', { file: files.cert })
      for (const listener of listeners) listener(fresh)
    } catch (error) {
      // Half of a change: the other file is still to come, and will call us again.
      log.warn('certificate not reloaded, the one before stays', { error })
    }
  }

  let latest = Promise.resolve()
  // Directories, not files: a certificate is renewed by renaming or by turning a symbolic link.
  const directories = new Set([dirname(files.cert), dirname(files.key)])
  const stops = [...directories].map((directory) => watch(directory, () => void (latest = latest.then(reload))))
  return {
    secureContext: () => contexts.clients,
    inboundContext: () => contexts.servers,
    pem: () => pem,
    onChange: (listener) => void listeners.push(listener),
    close: () => stops.forEach((stop) => stop()),
  }
}

function watchFiles(directory: string, changed: () => void): () => void {
  const watcher = watchDirectory(directory, { persistent: false }, changed)
  watcher.on('error', () => watcher.close())
  return () => watcher.close()
}

async function readPem(files: Pem): Promise<Pem> {
  return { cert: await readText('--tls-cert', files.cert), key: await readText('--tls-key', files.key) }
}

async function readText(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${flag} ${file} cannot be read`, { cause: error })
  }
}

function contextsFrom(files: Pem, pem: Pem, config: CertificateConfig): Contexts {
  try {
    return contextsOf(pem, config)
  } catch (error) {
    throw new Error(`${files.cert} and ${files.key} are not a certificate and its key`, { cause: error })
  }
}

type Contexts = { readonly clients: SecureContext; readonly servers: SecureContext }

function contextsOf(pem: Pem, { tlsMinVersion }: CertificateConfig): Contexts {
  // SES guide, "Infrastructure security": TLS 1.2 at least. Other servers would bring mail in the clear instead.
  const servers = contextOf(pem, 'TLSv1.2')
  return { clients: tlsMinVersion === 'TLSv1.2' ? servers : contextOf(pem, tlsMinVersion), servers }
}

function contextOf({ cert, key }: Pem, minVersion: CertificateConfig['tlsMinVersion']): SecureContext {
  return createSecureContext({ cert, key, minVersion, honorCipherOrder: true })
}

async function ownPem({ dataDir, hostname }: CertificateConfig, log: Log): Promise<Pem> {
  const files = { cert: join(dataDir, 'smtp-cert.pem'), key: join(dataDir, 'smtp-key.pem') }
  const known = await readPem(files).catch(() => undefined)
  if (known !== undefined && isFor(known, hostname)) return known
  const pem = await makePem(hostname)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await writePrivately(files.key, pem.key)
  await writePrivately(files.cert, pem.cert)
  log.info('made a self-signed certificate', { file: files.cert, hostname })
  return pem
}

/** Whether a pair made earlier is whole and names the host as it is called now. */
function isFor(pem: Pem, hostname: string): boolean {
  try {
    contextOf(pem, 'TLSv1.2')
    return new X509Certificate(pem.cert).checkHost(hostname) !== undefined
  } catch {
    return false
  }
}

async function makePem(hostname: string): Promise<Pem> {
  const { generate } = await import('selfsigned')
  const names = [...new Set([hostname, 'localhost'])]
  const made = await generate([{ name: 'commonName', value: hostname.slice(0, MAX_COMMON_NAME) }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: LONG_AGO,
    notAfterDate: NEVER,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.map((value) => ({ type: 2 as const, value })),
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return { cert: made.cert, key: made.private }
}

/** Whole or not at all, and for our eyes only. */
async function writePrivately(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}
