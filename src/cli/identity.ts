/** `sesame identity verify`. */
import { ADMIN_FLAGS, withAdmin } from './admin.ts'
import { readOptions } from './options.ts'
import { textIn } from './reply.ts'
import { EXIT, UsageError, type World } from './world.ts'

export async function identity(args: readonly string[], world: World): Promise<number> {
  const [action, ...rest] = args
  if (action !== 'verify') throw new UsageError('`sesame identity` is followed by verify.')
  const options = readOptions(rest, {
    command: 'identity verify',
    words: ['IDENTITY'],
    flags: { ...ADMIN_FLAGS, account: 'value', region: 'value' },
    settings: true,
  })
  await withAdmin(options, world, async ({ call, config }) => {
    const parts = [
      options.value('account') ?? config.accountId,
      options.value('region') ?? 'us-east-1',
      options.word('IDENTITY') ?? '',
    ]
    const [account, region, name] = parts.map(encodeURIComponent)
    const reply = await call('POST', `/_sesame/accounts/${account}/regions/${region}/identities/${name}/verify`)
    if (options.isSet('json')) world.out(`${JSON.stringify(reply)}\n`)
    else world.out(`${textIn(reply, 'identity')} is verified in ${parts[1]}.\n`)
  })
  return EXIT.ok
}
