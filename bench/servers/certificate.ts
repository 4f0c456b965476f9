/** A certificate for the servers that Sesame is measured by: of the kind that it makes for itself (ECDSA, P-256). */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generate } from 'selfsigned'

/** Writes PEM files into a folder. */
export async function makeCertificate(folder: string): Promise<{ readonly certificate: string; readonly key: string }> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')]
  await writeFile(certificate, made.cert)
  await writeFile(key, made.private, { mode: 0o600 })
  return { certificate, key }
}
