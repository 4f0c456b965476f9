import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { takeOwnership } from './ownership.ts'

async function databaseFile(t: { after(task: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sesame-owner-'))
  t.after(() => rm(path, { recursive: true }))
  return join(path, 'data', 'sesame.db')
}

test('a database file has one owner, who says where he is', async (t) => {
  const file = await databaseFile(t)
  const ownership = await takeOwnership(file)
  assert.ok('release' in ownership)
  assert.deepEqual(await takeOwnership(file), { takenBy: { pid: process.pid, addresses: {} } })
  ownership.announce({ http: 'http://127.0.0.1:8005' })
  assert.deepEqual(await takeOwnership(file), {
    takenBy: { pid: process.pid, addresses: { http: 'http://127.0.0.1:8005' } },
  })
  ownership.release()
  const next = await takeOwnership(file)
  assert.ok('release' in next)
  next.release()
})

test('ownership ends with the owner, even when he is killed', async (t) => {
  const file = await databaseFile(t)
  const holder = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `const { takeOwnership } = await import(${JSON.stringify(import.meta.resolve('./ownership.ts'))})
     globalThis.ownership = await takeOwnership(${JSON.stringify(file)})
     process.stdout.write('held')
     setInterval(() => {}, 1000)`,
  ])
  await once(holder.stdout, 'data')
  assert.deepEqual(await takeOwnership(file), { takenBy: { pid: holder.pid, addresses: {} } })
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const ownership = await takeOwnership(file)
  assert.ok('release' in ownership)
  ownership.release()
})
