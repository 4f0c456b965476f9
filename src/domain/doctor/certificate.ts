/** The certificate of the listeners: whose it is, and for how long. */
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { Check, Exam } from './exam.ts'
import { type Finding, reporter } from './finding.ts'

const { ok, warning, problem } = reporter('certificate')

const DAY_MS = 86_400_000
/** Renewal by ACME comes 30 days before the end. */
const WARNING_MS = 21 * DAY_MS
/** Longer than an authority's can be: the one that we make never ends. */
const FOR_EVER_MS = 3650 * DAY_MS

export const checkCertificate: Check = async ({ config, machine, wallClock }) => {
  const { tlsCert, dataDir } = config
  const file = tlsCert ?? join(dataDir, 'smtp-cert.pem')
  const pem = await machine.readText(file).catch(() => undefined)
  if (pem === undefined && tlsCert === undefined) {
    return [
      warning(
        file,
        'there is none yet',
        'The first start makes one; for real mail give one of an authority: --tls-cert, --tls-key.',
      ),
    ]
  }
  if (pem === undefined)
    return [problem(file, 'cannot be read', 'See that --tls-cert names it, and that the server may read it.')]
  return judgeCertificate(config, { file, pem, isOwn: tlsCert === undefined }, wallClock.now())
}

type Given = { readonly file: string; readonly pem: string; readonly isOwn: boolean }

export function judgeCertificate(
  { hostname, profile }: Pick<Exam['config'], 'hostname' | 'profile'>,
  { file, pem, isOwn }: Given,
  now: number,
): readonly Finding[] {
  const certificate = read(pem)
  if (certificate === undefined)
    return [problem(file, 'is no certificate in PEM', 'Give the chain in PEM, the own certificate first.')]
  const findings = [...validity(file, certificate, now)]
  if (certificate.checkHost(hostname) === undefined) {
    findings.push(problem(file, `is not for ${hostname}`, `Have one made that names ${hostname}.`))
  }
  // `checkIssued` also asks whether it may sign others, which ours may not.
  const isSelfSigned = certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)
  if (isSelfSigned && (profile === 'production' || !isOwn)) {
    const advice =
      'Give one of an authority: --tls-cert, --tls-key. Clients that verify, and servers that keep to MTA-STS, do not take this one; HTTP is plain without it.'
    findings.push(warning(file, isOwn ? 'is of our own making' : 'is signed by itself', advice))
  }
  if (!isSelfSigned && (pem.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0) < 2) {
    findings.push(
      warning(
        file,
        'comes without the certificates between it and its authority',
        'Give the whole chain (`fullchain.pem`).',
      ),
    )
  }
  return findings
}

function validity(file: string, { validFromDate, validToDate }: X509Certificate, now: number): readonly Finding[] {
  const left = validToDate.getTime() - now
  const end = validToDate.toISOString().slice(0, 10)
  const renew = 'Renew it; the server reads it again by itself.'
  if (left <= 0) return [problem(file, `ended on ${end}`, renew)]
  if (validFromDate.getTime() > now) {
    return [
      problem(file, `begins only on ${validFromDate.toISOString().slice(0, 10)}`, 'See whether the clock is right.'),
    ]
  }
  if (left < WARNING_MS) return [warning(file, `ends in ${Math.floor(left / DAY_MS)} days, on ${end}`, renew)]
  return [ok(file, left > FOR_EVER_MS ? 'does not end' : `is good until ${end}`)]
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    // OpenSSL's words say nothing that an operator could use.
    return undefined
  }
}
