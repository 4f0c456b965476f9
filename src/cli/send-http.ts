/** `sesame send` over SES v1 and v2: the request as AWS's clients make it, and the answer as they read it. */
import { reasonOf } from './admin.ts'
import type { Letter, Outcome } from './letter.ts'
import { isRecord, parseReply, textIn } from './reply.ts'
import { signPost, type Credentials } from './sigv4.ts'
import { CommandError, type World } from './world.ts'

export type HttpTarget = {
  readonly url: string
  readonly region: string
  readonly credentials: Credentials
  /** Milliseconds since the epoch. */
  readonly now: number
}

const CHARSET = 'UTF-8'

export async function sendOverV2(letter: Letter, target: HttpTarget, world: World): Promise<Outcome> {
  const headers = { 'content-type': 'application/json' }
  const { status, text, answered } = await post(
    '/v2/email/outbound-emails',
    JSON.stringify(v2Request(letter)),
    headers,
    target,
    world,
  )
  const body = parseReply(text)
  const isAccepted = status === 200
  return {
    via: 'v2',
    isAccepted,
    status,
    code: isAccepted ? null : (answered('x-amzn-errortype')?.split(':', 1)[0] ?? 'UnknownError'),
    message: isAccepted ? null : textIn(body, 'message') || (isRecord(body) ? null : text.slice(0, 500)),
    messageId: isAccepted ? textIn(body, 'MessageId') : null,
    requestId: answered('x-amzn-requestid'),
    transcript: [],
  }
}

export async function sendOverV1(letter: Letter, target: HttpTarget, world: World): Promise<Outcome> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const { status, text } = await post('/', new URLSearchParams(v1Request(letter)).toString(), headers, target, world)
  const isAccepted = status === 200
  return {
    via: 'v1',
    isAccepted,
    status,
    code: isAccepted ? null : (element(text, 'Code') ?? 'UnknownError'),
    message: isAccepted ? null : (element(text, 'Message') ?? text.slice(0, 500)),
    messageId: isAccepted ? element(text, 'MessageId') : null,
    requestId: element(text, 'RequestId'),
    transcript: [],
  }
}

async function post(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  target: HttpTarget,
  world: World,
) {
  if (!URL.canParse(target.url)) throw new CommandError(`${JSON.stringify(target.url)} is not a URL.`)
  const url = new URL(path, target.url)
  // `host` is signed, and set by fetch itself.
  const { host: _host, ...signed } = signPost(
    { url, body, headers, region: target.region, now: target.now },
    target.credentials,
  )
  try {
    const response = await world.fetch(url, { method: 'POST', headers: signed, body, redirect: 'manual' })
    const answered = (name: string) => response.headers.get(name)
    return { status: response.status, text: await response.text(), answered }
  } catch (error) {
    throw new CommandError(`no server answers at ${target.url}: ${reasonOf(error)}`)
  }
}

function v2Request(letter: Letter): object {
  const { from, to, cc, bcc, raw, configurationSet, tags } = letter
  const destination = {
    ...(to.length > 0 ? { ToAddresses: to } : {}),
    ...(cc.length > 0 ? { CcAddresses: cc } : {}),
    ...(bcc.length > 0 ? { BccAddresses: bcc } : {}),
  }
  return {
    ...(from === '' ? {} : { FromEmailAddress: from }),
    ...(Object.keys(destination).length > 0 ? { Destination: destination } : {}),
    Content: raw ? { Raw: { Data: raw.toString('base64') } } : { Simple: simple(letter) },
    ...(configurationSet === undefined ? {} : { ConfigurationSetName: configurationSet }),
    ...(tags.length > 0 ? { EmailTags: tags.map(({ name, value }) => ({ Name: name, Value: value })) } : {}),
  }
}

function simple({ subject, text, html }: Letter): object {
  return {
    Subject: { Data: subject, Charset: CHARSET },
    Body: {
      ...(text === undefined ? {} : { Text: { Data: text, Charset: CHARSET } }),
      ...(html === undefined ? {} : { Html: { Data: html, Charset: CHARSET } }),
    },
  }
}

type Pairs = readonly (readonly [string, string])[]

function v1Request(letter: Letter): string[][] {
  const { from, raw, configurationSet, tags } = letter
  const pairs: Pairs = [
    ['Action', raw ? 'SendRawEmail' : 'SendEmail'],
    ['Version', '2010-12-01'],
    ...given('Source', from === '' ? undefined : from),
    ...(raw ? v1Raw(letter, raw) : v1Simple(letter)),
    ...given('ConfigurationSetName', configurationSet),
    ...tags.flatMap(({ name, value }, index): Pairs => [
      [`Tags.member.${index + 1}.Name`, name],
      [`Tags.member.${index + 1}.Value`, value],
    ]),
  ]
  return pairs.map((pair) => [...pair])
}

function v1Raw({ to, cc, bcc }: Letter, raw: Buffer): Pairs {
  return [['RawMessage.Data', raw.toString('base64')], ...members('Destinations', [...to, ...cc, ...bcc])]
}

function v1Simple({ to, cc, bcc, subject, text, html }: Letter): Pairs {
  return [
    ...members('Destination.ToAddresses', to),
    ...members('Destination.CcAddresses', cc),
    ...members('Destination.BccAddresses', bcc),
    ...content('Subject', subject),
    ...content('Body.Text', text),
    ...content('Body.Html', html),
  ]
}

function members(name: string, values: readonly string[]): Pairs {
  return values.map((value, index) => [`${name}.member.${index + 1}`, value])
}

function content(part: string, data: string | undefined): Pairs {
  return data === undefined
    ? []
    : [
        [`Message.${part}.Data`, data],
        [`Message.${part}.Charset`, CHARSET],
      ]
}

function given(name: string, value: string | undefined): Pairs {
  return value === undefined ? [] : [[name, value]]
}

/** The text of the first element of that name; v1's answers are flat enough for it. */
function element(xml: string, name: string): string | null {
  const start = xml.indexOf(`<${name}>`)
  const end = xml.indexOf(`</${name}>`, start)
  return start === -1 || end === -1 ? null : unescapeXml(xml.slice(start + name.length + 2, end))
}

function unescapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi,
    (whole, decimal: string, hex: string, name: string) => {
      if (name) return named[name] ?? whole
      const code = decimal ? Number(decimal) : Number.parseInt(hex, 16)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}
