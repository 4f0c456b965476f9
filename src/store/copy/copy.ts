/** Moves an installation from one database to another, of any engine: table by table, all or nothing. */
import { schemaVersion } from '../migrations.ts'
import { COPIED, LEFT_OUT, NOT_COPIED } from './tables.ts'
import { CopyRefused } from './side.ts'
import type { Cells, Column, Source, Target } from './side.ts'

/** Bounds on what is held in memory and written at once. */
const ROWS_AT_ONCE = 500
const BYTES_AT_ONCE = 4 * 1024 * 1024

export type Progress = { readonly table: string; readonly copied: number; readonly of: number }
export type Copied = { readonly table: string; readonly rows: number }

/**
 * Copies every table and checks the number of its rows. `onProgress` is called after each batch. Throws
 * {@link CopyRefused}, after which, as after any other error, there is nothing in the target.
 */
export async function copy(
  source: Source,
  target: Target,
  onProgress: (progress: Progress) => void,
): Promise<readonly Copied[]> {
  const done: Copied[] = []
  try {
    const plan = planOf(source, target)
    for (const { table, columns } of plan) {
      const rows = await copyTable({ source, target, table, columns }, onProgress)
      done.push({ table, rows })
    }
    await target.goOnBehind(source.numbers)
    for (const { table, rows } of done) {
      const found = await target.count(table)
      if (found !== rows) throw new Error(`${target.name} has ${found} rows in ${table} instead of ${rows}`)
    }
    await target.finish()
    return done
  } catch (error) {
    await target.abandon()
    throw error
  }
}

type Part = { readonly table: string; readonly columns: readonly Column[] }

/** What is copied of what; refuses to leave anything behind unsaid. */
function planOf(source: Source, target: Target): readonly Part[] {
  const known = schemaVersion()
  if (source.version !== known) {
    const remedy =
      source.version < known ? 'start this version on it once, which brings it up to date' : 'use its version'
    throw new CopyRefused(`${source.name} has schema ${source.version}, and this version copies ${known}: ${remedy}.`)
  }
  for (const table of source.tables.keys()) {
    if (!COPIED.includes(table) && !NOT_COPIED.has(table)) {
      throw new CopyRefused(`${source.name} has a table ${table} that this version does not know.`)
    }
  }
  return COPIED.flatMap((table): readonly Part[] => {
    const theirs = source.tables.get(table)
    if (theirs === undefined) return []
    const ours = target.tables.get(table)?.map(({ name }) => name) ?? []
    const columns = theirs.filter(({ name }) => !LEFT_OUT.has(`${table}.${name}`))
    const missing = columns.find(({ name }) => !ours.includes(name))
    if (missing !== undefined) throw new CopyRefused(`${target.name} has no place for ${table}.${missing.name}.`)
    return [{ table, columns }]
  })
}

type Work = Part & { readonly source: Source; readonly target: Target }

async function copyTable(
  { source, target, table, columns }: Work,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  const of = await source.count(table)
  let copied = 0
  let batch: Cells[] = []
  let bytes = 0
  const flush = async () => {
    if (batch.length > 0) await target.write(table, columns, batch)
    copied += batch.length
    batch = []
    bytes = 0
    onProgress({ table, copied, of })
  }
  for await (const row of source.rows(table, columns)) {
    batch.push(row)
    bytes += sizeOf(row)
    if (batch.length >= ROWS_AT_ONCE || bytes >= BYTES_AT_ONCE) await flush()
  }
  await flush()
  if (copied !== of) throw new Error(`${source.name} gave ${copied} rows of ${table} and has ${of}`)
  return copied
}

function sizeOf(row: Cells): number {
  return row.reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 8) + bytesIn(cell), 0)
}

function bytesIn(cell: Cells[number]): number {
  return cell instanceof Uint8Array ? cell.byteLength : 0
}
