/** A secret that is made once and kept in a file that only its owner reads. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The secret in the file; makes both when there is none. */
export async function keepSecret(file: string): Promise<string> {
  const kept = await readSecret(file)
  if (kept !== undefined) return kept
  const secret = randomBytes(32).toString('base64url')
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, `${secret}\n`, { mode: 0o600 })
  return secret
}

/** undefined: there is no such file, or nothing in it. */
export async function readSecret(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim() || undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
