import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { keptLog } from '../../test/support/stores.ts'
import { createSigningThreads, type SigningThreads } from './signing-threads.ts'

const RSA = generateKeyPairSync('rsa', { modulusLength: 1024 })
const ED = generateKeyPairSync('ed25519')
const isLinux = process.platform === 'linux'

function threadAt(name: string): URL {
  return new URL(`../../test/support/threads/${name}.ts`, import.meta.url)
}

/** Signs many texts at once; each signature must be that of its text. */
async function signMany(threads: SigningThreads, count = 40): Promise<void> {
  const texts = Array.from({ length: count }, (_, index) => Buffer.from(`text ${index}`))
  const requestOf = (octets: Buffer, { privateKey: key }: { privateKey: KeyObject }, digest: 'sha256' | null) =>
    threads.sign({ digest, octets, key })
  await Promise.all(
    texts.map(async (text, index) => {
      const isRsa = index % 2 === 0
      const [pair, digest] = isRsa ? ([RSA, 'sha256'] as const) : ([ED, null] as const)
      assert.ok(verify(digest, text, pair.publicKey, await requestOf(text, pair, digest)))
    }),
  )
}

/** Signs until all threads do. */
async function warm(threads: SigningThreads, count: number): Promise<void> {
  while (threads.count() < count) await signMany(threads)
}

/** Nice values of the threads of this process, the main one's first (proc(5): field 19 of stat). */
function niceValues(): readonly number[] {
  return readdirSync('/proc/self/task').map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
}

describe('threads that sign', () => {
  test(
    'start when there is much to sign, run below the rest of the process, and sign what they are given',
    {
      skip: !isLinux,
    },
    async () => {
      const threads = createSigningThreads({ log: keptLog(), threads: 2 })
      await signMany(threads, 3)
      assert.equal(threads.count(), 0, 'so few need no threads')
      const [main = 0] = niceValues()
      await warm(threads, 2)
      await signMany(threads)
      const values = niceValues()
      assert.equal(values[0], main)
      assert.ok(values.filter((nice) => nice === Math.min(main + 10, 19)).length >= 2, values.join())
      threads.close()
    },
  )

  test('leave what they had to others when they die, and are given up when they die again and again', async () => {
    const log = keptLog()
    const threads = createSigningThreads({ log, threads: 1, thread: threadAt('dying') })
    while (!log.lines.includes('mail is signed without threads of low priority')) await signMany(threads)
    assert.equal(log.lines.filter((line) => line === 'a thread that signs has died').length, 4)
    await signMany(threads)
    assert.equal(threads.count(), 0)
    threads.close()
  })

  test('are not used where they would run at the priority of the rest, nor where none are wanted', async () => {
    const log = keptLog()
    const threads = createSigningThreads({ log, threads: 1, thread: threadAt('unlowered') })
    while (log.lines.length === 0) await signMany(threads)
    assert.deepEqual(log.lines, ['mail is signed without threads of low priority'])
    await signMany(threads)
    threads.close()
    const none = createSigningThreads({ log, threads: 0 })
    await signMany(none)
    assert.equal(none.count(), 0)
    none.close()
  })

  test('sign what they had, and what comes later, when they are closed', async () => {
    const threads = createSigningThreads({ log: keptLog(), threads: 2 })
    if (isLinux) await warm(threads, 2)
    const signing = signMany(threads)
    threads.close()
    await signing
    await signMany(threads)
    assert.equal(threads.count(), 0)
  })

  test('say what OpenSSL says of a key that cannot sign', async () => {
    const threads = createSigningThreads({ log: keptLog(), threads: 1 })
    if (isLinux) await warm(threads, 1)
    await assert.rejects(threads.sign({ digest: 'sha256', octets: Buffer.from('x'), key: ED.privateKey }))
    await signMany(threads)
    threads.close()
  })
})
