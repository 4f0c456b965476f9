/** One owner for a database file: the server, or a command that writes while no server runs. */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What an owner says of itself. `addresses`: a server's listeners by name; none while it starts, and of a command. */
export type Owner = { readonly pid: number; readonly addresses: Addresses }
export type Addresses = Readonly<Record<string, string>>

export type Ownership = {
  /** Tells those who come in vain where we listen. */
  announce(addresses: Addresses): void
  release(): void
}

/**
 * Takes the file, or tells who has it. The lock is SQLite's own, on the empty database `FILE.lock` beside it: the
 * operating system frees it when its holder dies, however that happens, so nothing stale is ever left.
 */
export async function takeOwnership(file: string): Promise<Ownership | { readonly takenBy: Owner | null }> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Who can read it can hold it.
  closeSync(openSync(`${file}.lock`, 'a', 0o600))
  const { DatabaseSync } = await import('node:sqlite')
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    return { takenBy: readOwner(file) }
  }
  const tell = (owner: Owner) => writeFileSync(`${file}.owner`, `${JSON.stringify(owner)}\n`, { mode: 0o600 })
  tell({ pid: process.pid, addresses: {} })
  return {
    announce: (addresses) => tell({ pid: process.pid, addresses }),
    release: () => lock.close(),
  }
}

function readOwner(file: string): Owner | null {
  try {
    const said: unknown = JSON.parse(readFileSync(`${file}.owner`, 'utf8'))
    if (typeof said !== 'object' || said === null || !('pid' in said) || typeof said.pid !== 'number') return null
    return { pid: said.pid, addresses: 'addresses' in said ? textsOf(said.addresses) : {} }
  } catch {
    // Being written just now, or not readable by us: then it is taken by somebody unknown.
    return null
  }
}

function textsOf(value: unknown): Addresses {
  const entries = Object.entries(typeof value === 'object' && value !== null ? value : {})
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** SQLITE_BUSY (5) and its extended codes. */
function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5
  )
}
