/** The admin API for commands: that of a running server, or, where none runs, the same routes on the store itself. */
import type { Config } from '../config/config.ts'
import { isRecord, parseReply, type Reply } from './reply.ts'
import { readSecret } from '../platform/secret-file.ts'
import { takeOwnership } from '../platform/ownership.ts'
import type { Options, Spec } from './options.ts'
import { databaseFile, loadSettings, tokenFile } from './settings.ts'
import { CommandError, RefusedError, type World } from './world.ts'

/** The flags that every command of the admin API takes besides its own. */
export const ADMIN_FLAGS = { url: 'value', json: 'switch' } as const satisfies Spec['flags']

export type Admin = {
  readonly config: Config
  /** The answer's body. Throws a RefusedError, with the server's words, when it is an error. */
  readonly call: (method: string, path: string, body?: object) => Promise<unknown>
}

type Send = (method: string, path: string, body: object | undefined) => Promise<Reply>

/** Finds the server, or opens the store; closes again what it opened. */
export async function withAdmin<T>(options: Options, world: World, use: (admin: Admin) => Promise<T>): Promise<T> {
  const { config } = await loadSettings(options.settings, world)
  const url = options.value('url') ?? world.env['SESAME_URL']
  if (url !== undefined) return await use(admin(config, await overHttp(url, config, world)))
  const file = databaseFile(config)
  const owned = file === undefined ? undefined : await takeOwnership(file)
  if (owned && 'takenBy' in owned) {
    const address = owned.takenBy?.addresses['http']
    if (address === undefined)
      throw new CommandError(`${file} is in use by a server that starts, or by another command. Try again.`)
    return await use(admin(config, await overHttp(address, config, world)))
  }
  try {
    // Loaded only here: a command that talks to a server needs no store.
    const { openDirectly } = await import('./direct.ts')
    const direct = await openDirectly(config, world)
    try {
      if (!options.isSet('json'))
        world.err(`sesame: no server runs on ${config.dataDir}, so its store is used directly.\n`)
      return await use(admin(config, direct.send))
    } finally {
      await direct.close()
    }
  } finally {
    owned?.release()
  }
}

function admin(config: Config, send: Send): Admin {
  return {
    config,
    async call(method, path, body) {
      const reply = await send(method, path, body)
      if (reply.status < 400) return reply.body
      throw new RefusedError(refusal(reply))
    },
  }
}

async function overHttp(url: string, config: Config, world: World): Promise<Send> {
  if (!URL.canParse(url)) throw new CommandError(`${JSON.stringify(url)} is not a URL.`)
  const token = config.adminToken ?? (await readSecret(tokenFile(config)).catch(() => undefined))
  return async (method, path, body) => {
    const headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
    const response = await world
      .fetch(new URL(path, url), { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      .catch((error: unknown) => {
        throw new CommandError(`no server answers at ${url}: ${reasonOf(error)}`)
      })
    return { status: response.status, body: parseReply(await response.text()) }
  }
}

function refusal({ status, body }: Reply): string {
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : {}
  const code = typeof error['code'] === 'string' ? error['code'] : `HTTP ${status}`
  return typeof error['message'] === 'string' ? `${code}: ${error['message']}` : code
}

/** fetch hides what went wrong in the cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error && cause.message !== ''
    ? cause.message
    : cause instanceof Error && 'code' in cause
      ? String(cause.code)
      : error.message
}
