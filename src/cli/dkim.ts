/** `sesame dkim`: see the DKIM keys that are made here, and have one replaced. */
import { ADMIN_FLAGS, withAdmin } from './admin.ts'
import { readOptions } from './options.ts'
import { recordsIn, textIn } from './reply.ts'
import { EXIT, UsageError, type World } from './world.ts'

export async function dkim(args: readonly string[], world: World): Promise<number> {
  const [action, ...rest] = args
  if (action !== 'list' && action !== 'rotate') throw new UsageError('`sesame dkim` is followed by list or rotate.')
  const isRotating = action === 'rotate'
  const options = readOptions(rest, {
    command: `dkim ${action}`,
    words: ['[IDENTITY]'],
    flags: {
      ...ADMIN_FLAGS,
      account: 'value',
      region: 'value',
      ...(isRotating ? ({ algorithm: 'value' } as const) : {}),
    },
    settings: true,
  })
  const algorithm = isRotating ? options.value('algorithm') : undefined
  if (algorithm !== undefined && algorithm !== 'rsa' && algorithm !== 'ed25519') {
    throw new UsageError('--algorithm is rsa or ed25519.')
  }
  await withAdmin(options, world, async ({ call, config }) => {
    const path = pathOf(
      options.value('account') ?? config.accountId,
      options.value('region') ?? 'us-east-1',
      options.word('IDENTITY'),
    )
    const reply = isRotating
      ? await call('POST', `${path}/rotate`, algorithm === undefined ? {} : { algorithm })
      : await call('GET', path)
    world.out(options.isSet('json') ? `${JSON.stringify(reply)}\n` : keysText(reply, isRotating))
  })
  return EXIT.ok
}

function pathOf(account: string, region: string, identity: string | undefined): string {
  if (identity === undefined) return '/_sesame/dkim'
  const [first, second, third] = [account, region, identity].map(encodeURIComponent)
  return `/_sesame/accounts/${first}/regions/${second}/identities/${third}/dkim`
}

function keysText(reply: unknown, isRotating: boolean): string {
  const keys = recordsIn(reply, 'keys')
  const domain = textIn(reply, 'domain')
  const lines = keys.map((key) => {
    const cells = [
      textIn(key, 'selector').padEnd(32),
      textIn(key, 'algorithm').padEnd(7),
      textIn(key, 'state').padEnd(9),
    ]
    return `  ${cells.join('  ')}  since ${textIn(key, 'since')}\n`
  })
  const head = keys.length === 0 ? `${domain} has no DKIM keys.\n` : `${domain}\n`
  const isWaiting = keys.some((key) => textIn(key, 'state') === 'pending')
  const next =
    isRotating && isWaiting
      ? 'The pending key signs when its record is found: `sesame dns` prints it, and --dns-zone has it already.\n'
      : ''
  return `${head}${lines.join('')}${next}`
}
