/** A mail server of somebody else's, in a folder of its own, that relays through SES for one account. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './programs.ts'
import { until } from './until.ts'

/** Domains whose mail stays with the mail server: bounces come back to them. The account has verified the first only. */
export const OURS = 'shop.test'
export const NOT_OURS = 'stranger.test'

/** A folder that the mail server's own user may go into, too. */
export async function openFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `sesame-${name}-`))
  await chmod(folder, 0o755)
  return folder
}

/** A folder in it that belongs to `user`. */
export async function folderOf(user: string, path: string): Promise<string> {
  const [uid, gid] = await Promise.all([idOf(user, '-u'), idOf(user, '-g')])
  await mkdir(path)
  await chown(path, uid, gid)
  return path
}

/**
 * Runs a mail server in the foreground, settled once it answers on `port`. `stop` ends the process whose id is in
 * `pidFile`, waits for what was started, and removes the folder.
 */
export async function startDaemon(
  program: string,
  args: readonly string[],
  where: { folder: string; pidFile: string; port: number },
) {
  const child = spawn(program, args, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const kill = () => process.kill(Number.parseInt(readFileSync(where.pidFile, 'utf8'), 10), 'SIGTERM')
  // Should the test end before `stop`: nothing is left running.
  process.once('exit', kill)
  await until(`${program} on port ${where.port}`, () => accepts(where.port))
  return {
    async stop(): Promise<void> {
      process.off('exit', kill)
      kill()
      await ended
      // Children that are about to end may still write.
      await rm(where.folder, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

async function accepts(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'data')
    return true
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

/** The first message that a Maildir has with `word` in it. */
export async function bounceIn(maildir: string, word: string): Promise<string> {
  return await until(`a bounce in ${maildir}`, async () => {
    const names = await readdir(join(maildir, 'new')).catch(() => [])
    const messages = await Promise.all(names.map((name) => readFile(join(maildir, 'new', name), 'utf8')))
    return messages.find((message) => message.includes(word))
  })
}

/** Header lines and body with folds and line breaks taken out, to find sentences in. */
export function unfolded(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}

async function idOf(user: string, flag: '-u' | '-g'): Promise<number> {
  const { status, stdout, stderr } = await run('id', [flag, user])
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}
