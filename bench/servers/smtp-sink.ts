/** Postfix's smtp-sink: takes mail and throws it away. What SMTP alone costs, in C, and nothing is durable. */
import { freePort } from '../../test/support/free-port.ts'
import { find, type Lab } from '../lab.ts'
import { answering, pidOf, type Server, type Target } from './server.ts'

const BACKLOG = '500'

export async function startSink(
  lab: Lab,
): Promise<(Server & { readonly smtp: Target }) | { readonly missing: string }> {
  const program = await find(lab, 'smtp-sink')
  if (program === undefined) return { missing: 'smtp-sink is not installed (it comes with Postfix).' }
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = lab.start(program, [...user, `127.0.0.1:${port}`, BACKLOG], { stdio: 'ignore' })
  const smtp = { host: '127.0.0.1', port }
  await answering(lab, 'smtp-sink', smtp, true)
  return { smtp, pids: [pidOf(child)], stop: () => lab.stop(child) }
}
