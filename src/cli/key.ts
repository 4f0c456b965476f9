/** `sesame key create|list|delete`. */
import { ADMIN_FLAGS, withAdmin } from './admin.ts'
import { readOptions, type Options, type Spec } from './options.ts'
import { columns, isRecord, recordsIn, textIn } from './reply.ts'
import { CommandError, EXIT, UsageError, type World } from './world.ts'

export async function key(args: readonly string[], world: World): Promise<number> {
  const [action, ...rest] = args
  if (action === 'create') return await create(rest, world)
  if (action === 'list') return await list(rest, world)
  if (action === 'delete') return await remove(rest, world)
  throw new UsageError('`sesame key` is followed by create, list or delete.')
}

function read(action: string, args: readonly string[], flags: Spec['flags']): Options {
  return readOptions(args, {
    command: `key ${action}`,
    words: ['[ACCOUNT]'],
    flags: { ...ADMIN_FLAGS, ...flags },
    settings: true,
  })
}

function keysPath(options: Options, defaultAccount: string): string {
  return `/_sesame/accounts/${encodeURIComponent(options.word('ACCOUNT') ?? defaultAccount)}/keys`
}

async function create(args: readonly string[], world: World): Promise<number> {
  const options = read('create', args, { 'user-name': 'value', policy: 'value', 'duration-seconds': 'value' })
  const duration = options.value('duration-seconds')
  if (duration !== undefined && !/^\d{1,9}$/.test(duration))
    throw new UsageError('--duration-seconds is not a whole number.')
  const userName = options.value('user-name')
  const policyFile = options.value('policy')
  const policy = policyFile === undefined ? undefined : await readText(policyFile, world)
  await withAdmin(options, world, async ({ call, config }) => {
    const made = await call('POST', keysPath(options, config.accountId), {
      ...(userName === undefined ? {} : { userName }),
      ...(policy === undefined ? {} : { policy }),
      ...(duration === undefined ? {} : { durationSeconds: Number(duration) }),
    })
    world.out(options.isSet('json') ? `${JSON.stringify(made)}\n` : keyText(made))
  })
  return EXIT.ok
}

async function list(args: readonly string[], world: World): Promise<number> {
  const options = read('list', args, {})
  await withAdmin(options, world, async ({ call, config }) => {
    const reply = await call('GET', keysPath(options, config.accountId))
    if (options.isSet('json')) return world.out(`${JSON.stringify(reply)}\n`)
    for (const each of recordsIn(reply, 'keys')) {
      const bounds = each['policy'] === null ? '' : '  (bounded by a policy)'
      world.out(`${textIn(each, 'accessKeyId')}  ${textIn(each, 'userName')}  ${textIn(each, 'createdAt')}${bounds}\n`)
    }
  })
  return EXIT.ok
}

async function remove(args: readonly string[], world: World): Promise<number> {
  const options = read('delete', args, { 'access-key-id': 'value' })
  const id = options.required('access-key-id')
  await withAdmin(options, world, async ({ call, config }) => {
    await call('DELETE', `${keysPath(options, config.accountId)}/${encodeURIComponent(id)}`)
    world.out(options.isSet('json') ? '{}\n' : `${id} is deleted.\n`)
  })
  return EXIT.ok
}

/** A new key as its owner needs it, SMTP passwords included. */
export function keyText(made: unknown): string {
  const passwords = isRecord(made) ? made['smtpPasswords'] : undefined
  const id = textIn(made, 'accessKeyId')
  const token = textIn(made, 'sessionToken')
  const head = columns([
    ['Access key id', id],
    ['Secret access key', textIn(made, 'secretAccessKey')],
    ...(token === '' ? [] : [['Session token', token] as const]),
    ...(isRecord(passwords) ? [['SMTP user name', id] as const] : []),
  ])
  if (!isRecord(passwords)) return head
  const rows = Object.entries(passwords).map(([region, password]) => [`  ${region}`, String(password)] as const)
  return `${head}SMTP passwords, by region:\n${columns(rows)}`
}

async function readText(file: string, world: World): Promise<string> {
  try {
    return (await world.readFile(file)).toString('utf8')
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
