/**
 * The writes that every message costs, many in one statement: what PostgreSQL needs different from SQLite. A statement
 * costs a round trip here, and seven of them for each of 64 messages would be most of the work.
 */
import { acceptTogether } from './accept.ts'
import { removeTogether } from './removal.ts'
import { settleTogether } from './settle.ts'
import type { Together } from './statement.ts'

const ALL: readonly Together[] = [acceptTogether, settleTogether, removeTogether]

/** By the names of their commands. */
export const TOGETHER: ReadonlyMap<string, Together> = new Map(ALL.map((together) => [together.name, together]))
