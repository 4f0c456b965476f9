/** Clients that send over all surfaces at once until the server is gone, and remember what they were told. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { sendOverV1, sendOverV2 } from '../../src/cli/send-http.ts'
import type { Letter } from '../../src/cli/letter.ts'
import type { Server } from '../support/cli.ts'
import type { Chance } from './chance.ts'
import { SENDER, SURFACES, makeMail } from './mail.ts'
import type { Accepted, Mail } from './mail.ts'

/** Of each surface. */
const CLIENTS = 8
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test', sessionToken: undefined }
const LONGEST_ANSWER_MS = 60_000

export type Load = {
  readonly accepted: readonly Accepted[]
  /** Answers that were a refusal, or none. */
  readonly refused: number
  /** Resolves when `count` have been accepted, or nobody can send any more. */
  readonly reached: (count: number) => Promise<void>
  /** Resolves when every client has ended. */
  readonly stop: () => Promise<void>
}

export type LoadOptions = {
  readonly server: Server
  readonly chance: Chance
  readonly round: number
  /** Octets of the largest message. */
  readonly largest: number
}

/** Begins to send, from clients that send one message after another. They end by themselves when the server does. */
export function startLoad({ server, chance, round, largest }: LoadOptions): Load {
  const accepted: Accepted[] = []
  const over = new AbortController()
  const state = { refused: 0, clients: 0, wake: () => {} }

  async function client(surface: Mail['surface']): Promise<void> {
    state.clients += 1
    await sendOn(surface)
    state.clients -= 1
    state.wake()
  }

  async function sendOn(surface: Mail['surface']): Promise<void> {
    const send = surface === 'smtp' ? smtpClient(server) : httpClient(surface, server)
    while (!over.signal.aborted) {
      const mail = { ...makeMail(chance, largest), surface }
      const messageId = await send(mail)
      if (messageId === null) return
      if (messageId === undefined) state.refused += 1
      else accepted.push({ mail, messageId, round })
      state.wake()
      // The machine is small: without a pause those who are refused keep the others from their work.
      if (messageId === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  const ended = Promise.all(SURFACES.flatMap((surface) => Array.from({ length: CLIENTS }, () => client(surface))))
  return {
    accepted,
    get refused() {
      return state.refused
    },
    async reached(count) {
      while (accepted.length < count && state.clients > 0) {
        await new Promise<void>((resolve) => (state.wake = resolve))
      }
    },
    async stop() {
      over.abort()
      await ended
    },
  }
}

/** The MessageId; undefined: it was refused; null: there is no server any more. */
type Send = (mail: Mail) => Promise<string | null | undefined>

function httpClient(surface: 'v1' | 'v2', server: Server): Send {
  const sendOver = surface === 'v1' ? sendOverV1 : sendOverV2
  const world = {
    fetch: (url: string | URL | Request, init?: RequestInit) =>
      fetch(url, { ...init, signal: AbortSignal.timeout(LONGEST_ANSWER_MS) }),
  }
  return async ({ mark, to, text }) => {
    const envelope = { from: SENDER, to, cc: [], bcc: [], configurationSet: undefined, tags: [] }
    const letter: Letter = { ...envelope, subject: mark, text, html: undefined, raw: undefined }
    const target = { url: server.url, region: 'us-east-1', credentials: CREDENTIALS, now: Date.now() }
    try {
      const outcome = await sendOver(letter, target, world as Parameters<typeof sendOver>[2])
      return outcome.messageId ?? undefined
    } catch {
      return server.isOver() ? null : undefined
    }
  }
}

/** Keeps its connection, and makes another when that was closed. */
function smtpClient(server: Server): Send {
  let session: Session | undefined
  return async (mail) => {
    try {
      session ??= await Session.open(Number(server.smtp.split(':')[1]))
      return await session.send(mail)
    } catch {
      session?.close()
      session = undefined
      return server.isOver() ? null : undefined
    }
  }
}

class Session {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>

  constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  static async open(port: number): Promise<Session> {
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(LONGEST_ANSWER_MS, () => socket.destroy())
    await once(socket, 'connect')
    socket.on('error', () => {})
    const session = new Session(socket)
    await session.#expect('220')
    await session.#ask('EHLO torture.example', '250')
    await session.#ask(`AUTH PLAIN ${Buffer.from('\0test\0test').toString('base64')}`, '235')
    return session
  }

  /** The id behind 250; undefined: refused, and the connection can go on. */
  async send({ mark, to, text }: Mail): Promise<string | undefined> {
    await this.#ask(`MAIL FROM:<${SENDER}>`, '250')
    for (const recipient of to) await this.#ask(`RCPT TO:<${recipient}>`, '250')
    await this.#ask('DATA', '354')
    const header = `From: ${SENDER}\r\nTo: ${to.join(', ')}\r\nSubject: ${mark}\r\n`
    this.#socket.write(`${header}\r\n${text}.\r\n`)
    const reply = await this.#reply()
    return reply.startsWith('250 Ok ') ? reply.slice('250 Ok '.length) : undefined
  }

  close(): void {
    this.#socket.destroy()
  }

  async #ask(command: string, code: string): Promise<void> {
    this.#socket.write(`${command}\r\n`)
    await this.#expect(code)
  }

  async #expect(code: string): Promise<void> {
    const reply = await this.#reply()
    if (!reply.startsWith(code)) throw new Error(reply)
  }

  async #reply(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error('the connection ended')
      if (value[3] !== '-') return value
    }
  }
}
