/**
 * SMTP transcripts as tests.
 *
 *     S: 220 … ESMTP…        one line that the server must say; `…` stands for anything
 *     S: [closed]            the server hangs up
 *     C: EHLO a.example      what the client says, with CRLF; lines that follow each other leave in one segment
 *     B: a\r\n.\n\0\xff      octets as they are, joined to the C and B lines around
 *
 * After `C: STARTTLS` and `S: 220 …` the conversation goes on in TLS.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

const PATIENCE_MS = 10_000
const CLOSED = '[closed]'

export class Conversation {
  #socket: Socket
  #text = ''
  #isOver = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    this.#listen()
  }

  /** Carries out a transcript; resolves to the lines that the server said. Rejects at the first that differs. */
  async talk(transcript: string): Promise<string[]> {
    const said: string[] = []
    let unsent = ''
    let isTlsNext = false
    const steps = transcript
      .split('\n')
      .map((each) => each.trim())
      .filter((each) => each !== '')
    for (const step of steps) {
      const [who, text] = [step.slice(0, 2), step.slice(2).trimStart()]
      if (who === 'C:') unsent += `${text}\r\n`
      else if (who === 'B:') unsent += unescape(text)
      else assert.equal(who, 'S:', `not a step of a transcript: ${step}`)
      isTlsNext = who === 'S:' ? isTlsNext : step === 'C: STARTTLS'
      if (who !== 'S:') continue
      this.send(unsent)
      unsent = ''
      const line = await this.line()
      assert.ok(matches(line, text), `expected ${text}\n     got ${line}\n${transcript}`)
      said.push(line)
      if (isTlsNext && line.startsWith('220')) await this.startTls()
      isTlsNext = false
    }
    this.send(unsent)
    return said
  }

  /** Sends octets (a string: latin1) in one segment. */
  send(octets: string | Uint8Array): void {
    if (octets.length > 0) this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets)
  }

  /** The next line of the server without its CRLF, or `[closed]`. */
  async line(): Promise<string> {
    const end = await this.#until(() => this.#text.indexOf('\r\n'))
    if (end < 0) return this.#text === '' ? CLOSED : `${this.#text}${CLOSED}`
    const line = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 2)
    return line
  }

  /** Everything that the server says until it hangs up. */
  async rest(): Promise<string> {
    await this.#until(() => -1)
    return this.#text
  }

  /** What the server has said that nobody has read yet. */
  get unread(): string {
    return this.#text
  }

  async startTls(): Promise<void> {
    assert.equal(this.#text, '', 'the server said something in the clear after STARTTLS')
    for (const event of ['data', 'end', 'close', 'error']) this.#socket.removeAllListeners(event)
    this.#socket = await secured(connectTls({ socket: this.#socket, rejectUnauthorized: false }))
    this.#listen()
  }

  /** Says no more, but listens on. */
  end(): void {
    this.#socket.end()
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #listen(): void {
    const over = () => {
      this.#isOver = true
      this.#wake()
    }
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    this.#socket.on('end', over).on('close', over).on('error', over)
  }

  async #until(found: () => number): Promise<number> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      const at = found()
      if (at >= 0 || this.#isOver) return at
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const giveUp = () => reject(new Error(`the server says nothing; unread: ${JSON.stringify(this.#text)}`))
      this.#wake = resolve
      signal.addEventListener('abort', giveUp)
      await promise
      signal.removeEventListener('abort', giveUp)
    }
  }
}

/** Connects, in TLS from the start if asked to. */
export async function converse(port: number, options: { tls?: boolean } = {}): Promise<Conversation> {
  if (options.tls === true) {
    return new Conversation(await secured(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })))
  }
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  return new Conversation(socket)
}

/** A whole transcript on a connection of its own. */
export async function dialog(port: number, transcript: string, options: { tls?: boolean } = {}): Promise<string[]> {
  using conversation = await converse(port, options)
  return await conversation.talk(transcript)
}

async function secured<T extends Socket>(socket: T): Promise<T> {
  await once(socket, 'secureConnect')
  return socket
}

/** Whether `line` is `pattern`, in which `…` stands for anything. */
function matches(line: string, pattern: string): boolean {
  const parts = pattern.split('…')
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  if (parts.length === 1) return line === pattern
  if (!line.startsWith(first) || !line.slice(first.length).endsWith(last)) return false
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = line.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= line.length - last.length
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\', s: ' ' }

function unescape(text: string): string {
  return text.replaceAll(/\\(x[0-9a-fA-F]{2}|.)/g, (_, escape: string) =>
    escape.startsWith('x') && escape.length === 3
      ? String.fromCharCode(Number.parseInt(escape.slice(1), 16))
      : (ESCAPES[escape] ?? escape),
  )
}
