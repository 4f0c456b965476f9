/** `sesame send` over SMTP: the dialogue of a plain, careful client, written down as it happens. */
import { isIP, connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { compose } from '../message/compose.ts'
import type { Letter, Outcome } from './letter.ts'
import { CommandError } from './world.ts'

export type SmtpTarget = {
  readonly host: string
  readonly port: number
  readonly tls: 'starttls' | 'implicit' | 'none'
  /** Take any certificate. */
  readonly insecure: boolean
  readonly user: string
  readonly password: string
}

type Reply = { readonly code: number; readonly lines: readonly string[] }

const SILENCE_MS = 30_000
const LONGEST_REPLY = 65_536

/** Throws a CommandError when there is no dialogue to be had; a refusal is an outcome. */
export async function sendOverSmtp(letter: Letter, target: SmtpTarget): Promise<Outcome> {
  const transcript: string[] = []
  const plain = await open(target)
  let line = talk(plain, transcript)
  try {
    const greeting = await line.reply()
    if (greeting.code !== 220) return outcome(greeting, transcript)
    let hello = await line.say('EHLO sesame-send')
    if (target.tls === 'starttls') {
      const ready = await line.say('STARTTLS')
      if (ready.code !== 220) return outcome(ready, transcript)
      line.stop()
      line = talk(await secure(plain, target), transcript)
      transcript.push('# TLS from here on')
      hello = await line.say('EHLO sesame-send')
    }
    const last = hello.code === 250 ? await deliver(letter, target, line) : hello
    await line.say('QUIT').catch(() => undefined)
    return outcome(last, transcript)
  } catch (error) {
    if (error instanceof CommandError && transcript.length === 0) throw error
    throw new CommandError(`${error instanceof Error ? error.message : String(error)}${shown(transcript)}`)
  } finally {
    line.stop()
    plain.destroy()
  }
}

type Line = ReturnType<typeof talk>

/** Goes on until the other side says no; gives its last word. */
async function deliver(letter: Letter, target: SmtpTarget, line: Line): Promise<Reply> {
  const secret = Buffer.from(`\0${target.user}\0${target.password}`).toString('base64')
  // The message is made last: what the server says of a bad address is what the user wants to see.
  const steps: readonly { say: string | (() => string); shown?: string; expect: number }[] = [
    { say: `AUTH PLAIN ${secret}`, shown: `AUTH PLAIN (${target.user} and its password)`, expect: 235 },
    { say: `MAIL FROM:<${bare(letter.from)}>`, expect: 250 },
    ...[...letter.to, ...letter.cc, ...letter.bcc].map((to) => ({ say: `RCPT TO:<${bare(to)}>`, expect: 250 })),
    { say: 'DATA', expect: 354 },
    { say: () => `${stuffed(messageOf(letter))}\r\n.`, shown: '(the message)\n.', expect: 250 },
  ]
  let reply: Reply = { code: 0, lines: [] }
  for (const { say, shown: asShown, expect } of steps) {
    reply = await line.say(typeof say === 'string' ? say : say(), asShown)
    if (reply.code !== expect) return reply
  }
  return reply
}

function outcome({ code, lines }: Reply, transcript: readonly string[]): Outcome {
  const text = lines.at(-1)?.slice(4) ?? ''
  const isAccepted = code === 250 && text.startsWith('Ok ')
  return {
    via: 'smtp',
    isAccepted,
    status: code,
    code: null,
    message: isAccepted ? null : lines.map((line) => line.slice(4)).join('\n'),
    messageId: isAccepted ? text.slice(3) : null,
    requestId: null,
    transcript,
  }
}

/** An octet a character (latin1), so that any message passes as it is; without its last line end. */
function messageOf(letter: Letter): string {
  const message = letter.raw ?? composed(letter)
  const control = [
    ...(letter.configurationSet === undefined ? [] : [`X-SES-CONFIGURATION-SET: ${letter.configurationSet}`]),
    ...(letter.tags.length === 0
      ? []
      : [`X-SES-MESSAGE-TAGS: ${letter.tags.map(({ name, value }) => `${name}=${value}`).join(', ')}`]),
  ]
  const head = control.map((line) => `${oneLine(line)}\r\n`).join('')
  return `${head}${message.toString('latin1').replace(/\r?\n/g, '\r\n').replace(/\r\n$/, '')}`
}

function composed({ from, to, cc, subject, text, html }: Letter): Buffer {
  const made = compose(
    {
      from,
      to,
      cc,
      replyTo: [],
      subject: utf8(subject),
      text: text === undefined ? undefined : utf8(text),
      html: html === undefined ? undefined : utf8(html),
      headers: [],
      attachments: [],
    },
    () => '----=_Part_sesame_send',
  )
  return made.ok ? made.value : notSendable(made.error)
}

function utf8(data: string): { data: string; charset: string } {
  return { data, charset: 'UTF-8' }
}

/** No word of ours may become a command of its own. */
function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? notSendable(`${JSON.stringify(text)} holds a line end.`) : text
}

function notSendable(reason: string): never {
  throw new CommandError(`this cannot be sent over SMTP: ${reason}`)
}

/** RFC 5321 §4.5.2. */
function stuffed(message: string): string {
  return message.replace(/(^|\n)\./g, '$1..')
}

/** `Ann <ann@example.com>` → `ann@example.com`. */
function bare(address: string): string {
  return oneLine(/<([^<>]*)>\s*$/.exec(address)?.[1] ?? address.trim())
}

function shown(transcript: readonly string[]): string {
  return transcript.length === 0 ? '' : `\n${transcript.join('\n')}`
}

async function open({ host, port, tls, insecure }: SmtpTarget): Promise<Socket> {
  const options = { host, port, timeout: SILENCE_MS }
  const socket = tls === 'implicit' ? connectTls({ ...options, ...trust(host, insecure) }) : connectTcp(options)
  await settled(socket, tls === 'implicit' ? 'secureConnect' : 'connect', `${host}:${port}`)
  return socket
}

async function secure(socket: Socket, { host, port, insecure }: SmtpTarget): Promise<Socket> {
  const secured = connectTls({ socket, timeout: SILENCE_MS, ...trust(host, insecure) })
  await settled(secured, 'secureConnect', `${host}:${port}`)
  return secured
}

/** On loopback nobody stands between, and the certificate is one made on the first start. */
function trust(host: string, insecure: boolean) {
  const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.')
  return { rejectUnauthorized: !insecure && !isLoopback, ...(isIP(host) === 0 ? { servername: host } : {}) }
}

function settled(socket: Socket, event: 'connect' | 'secureConnect', where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new CommandError(`no SMTP server answers at ${where}: ${error.message || 'no answer'}`))
    const silent = () => failed(new Error('no answer in time'))
    socket.once('error', failed).once('timeout', silent)
    socket.once(event, () => {
      socket.off('error', failed).off('timeout', silent)
      resolve()
    })
  })
}

/** Commands and replies on a socket; both go into the transcript. */
function talk(socket: Socket, transcript: string[]) {
  let received = ''
  let problem: string | undefined
  let wake: (() => void) | undefined
  const onData = (chunk: Buffer) => {
    received += chunk.toString('latin1')
    if (received.length > LONGEST_REPLY) problem = 'The server sends an endless reply.'
    wake?.()
  }
  const onProblem = (text: string) => () => {
    problem ??= text
    wake?.()
  }
  const listeners = [
    ['data', onData],
    ['error', onProblem('The connection broke.')],
    ['close', onProblem('The server closed the connection.')],
    ['timeout', onProblem('The server is silent.')],
  ] as const
  for (const [event, listener] of listeners) socket.on(event, listener)

  async function reply(): Promise<Reply> {
    for (;;) {
      const complete = takeReply(received)
      if (complete) {
        received = received.slice(complete.length)
        transcript.push(...complete.lines.map((text) => `S: ${text}`))
        return { code: Number(complete.lines.at(-1)?.slice(0, 3)), lines: complete.lines }
      }
      if (problem !== undefined) throw new CommandError(problem)
      const more = Promise.withResolvers<void>()
      wake = more.resolve
      await more.promise
    }
  }

  return {
    reply,
    async say(command: string, asShown: string = command): Promise<Reply> {
      transcript.push(...asShown.split('\n').map((text) => `C: ${text}`))
      socket.write(`${command}\r\n`, 'latin1')
      return await reply()
    },
    stop() {
      for (const [event, listener] of listeners) socket.off(event, listener)
      // What comes after the end is of no interest, and must not be an exception.
      socket.on('error', () => {})
    },
  }
}

/** The first complete reply in `text` (RFC 5321 §4.2): lines `250-…`, and a last one `250 …`. */
function takeReply(text: string): { lines: readonly string[]; length: number } | undefined {
  const lines: string[] = []
  for (let start = 0; ;) {
    const end = text.indexOf('\n', start)
    if (end === -1) return undefined
    const current = text.slice(start, end).replace(/\r$/, '')
    lines.push(current)
    start = end + 1
    if (current[3] !== '-') return { lines, length: start }
  }
}
