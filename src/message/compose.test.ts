import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainToASCII } from 'node:url'
import fc from 'fast-check'
import { type Attachment as ParsedAttachment, simpleParser } from 'mailparser'
import PostalMime from 'postal-mime'
import { type Attachment, compose, type Content } from './compose.ts'
import { splitMessage } from './headers.ts'
import { checkMime } from './mime.ts'

const PLAIN: Content = {
  from: 'Ann Example <ann@example.com>',
  to: ['bob@example.org'],
  cc: [],
  replyTo: [],
  subject: { data: 'Hello', charset: 'UTF-8' },
  text: { data: 'Hi', charset: 'UTF-8' },
  html: undefined,
  headers: [],
  attachments: [],
}

const FILE: Attachment = {
  content: Buffer.from([0, 1, 2, 253, 254, 255]),
  fileName: 'report.pdf',
  contentType: undefined,
  disposition: 'ATTACHMENT',
  description: undefined,
  contentId: undefined,
  transferEncoding: undefined,
}

function boundaries(): () => string {
  let n = 0
  return () => `----=_Part_${n++}_355072649.1693000415859`
}

function composed(content: Partial<Content>): Buffer {
  const result = compose({ ...PLAIN, ...content }, boundaries())
  assert.ok(result.ok, result.ok ? '' : result.error)
  return result.value
}

function refused(content: Partial<Content>): string | null {
  const result = compose({ ...PLAIN, ...content }, boundaries())
  return result.ok ? null : result.error
}

test('A text is composed with the headers in the order that SES has', () => {
  const message = composed({ cc: ['Carl <carl@example.org>'], replyTo: ['r@example.com', 's@example.com'] })
  assert.equal(
    message.toString(),
    [
      'From: Ann Example <ann@example.com>',
      'To: bob@example.org',
      'Cc: Carl <carl@example.org>',
      'Reply-To: r@example.com, s@example.com',
      'Subject: Hello',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=UTF-8',
      'Content-Transfer-Encoding: 7bit',
      '',
      'Hi',
      '',
    ].join('\r\n'),
  )
})

test('Text and HTML become alternatives, with the fold that SES shows as two spaces', () => {
  const message = composed({ html: { data: '<p>Hi</p>', charset: 'UTF-8' } })
  const boundary = '----=_Part_0_355072649.1693000415859'
  assert.equal(
    message.toString().slice(message.indexOf('Content-Type')),
    [
      'Content-Type: multipart/alternative; ',
      `\tboundary="${boundary}"`,
      '',
      `--${boundary}`,
      'Content-Type: text/plain; charset=UTF-8',
      'Content-Transfer-Encoding: 7bit',
      '',
      'Hi',
      `--${boundary}`,
      'Content-Type: text/html; charset=UTF-8',
      'Content-Transfer-Encoding: 7bit',
      '',
      '<p>Hi</p>',
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  )
  const split = splitMessage(message)
  const shown = split.ok ? split.value.headers.find(({ lower }) => lower === 'content-type')?.value : undefined
  assert.equal(shown, `multipart/alternative;  boundary="${boundary}"`)
})

test('Transfer encodings are chosen as JavaMail does', () => {
  const encodingOfText = (data: string, charset?: string) =>
    /Content-Transfer-Encoding: (.*)\r\n/.exec(composed({ text: { data, charset } }).toString('latin1'))?.[1]
  assert.equal(encodingOfText('plain ASCII\n', 'UTF-8'), '7bit')
  assert.equal(encodingOfText('x'.repeat(998), 'UTF-8'), '7bit')
  assert.equal(encodingOfText('x'.repeat(999), 'UTF-8'), 'quoted-printable')
  assert.equal(encodingOfText('mostly ASCII, naïve', 'UTF-8'), 'quoted-printable')
  assert.equal(encodingOfText('日本語のメール', 'UTF-8'), 'base64')
  assert.equal(encodingOfText('a\0b', 'UTF-8'), 'quoted-printable')
  assert.equal(encodingOfText('naïve', 'ISO-8859-1'), 'quoted-printable')
})

test('Without a charset text and subject are ASCII, and the rest becomes a question mark', () => {
  const message = composed({
    subject: { data: 'naïve €😀', charset: undefined },
    text: { data: 'ä€😀', charset: undefined },
  })
  assert.match(message.toString(), /\r\nSubject: na\?ve \?\?\r\n/)
  assert.match(message.toString(), /text\/plain; charset=us-ascii\r\n/)
  assert.ok(message.toString().endsWith('\r\n\r\n???\r\n'))
})

test('A subject that the caller has encoded himself stays as it is', () => {
  assert.match(
    composed({ subject: { data: '=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=', charset: 'UTF-8' } }).toString(),
    /\r\nSubject: =\?UTF-8\?Q\?Gr=C3=BC=C3=9Fe\?=\r\n/,
  )
})

test('Inline images stand related to the HTML, other attachments outside', () => {
  const image: Attachment = { ...FILE, fileName: 'logo.png', disposition: 'INLINE', contentId: 'logo' }
  const message = composed({ html: { data: '<img src="cid:logo">', charset: 'UTF-8' }, attachments: [image, FILE] })
  const types = Array.from(message.toString().matchAll(/Content-Type: ([\w/]+)/g), ([, type]) => type)
  assert.deepEqual(types, [
    'multipart/mixed',
    'multipart/alternative',
    'text/plain',
    'multipart/related',
    'text/html',
    'image/png',
    'application/pdf',
  ])
  assert.match(message.toString(), /Content-Disposition: inline; filename=logo.png\r\nContent-ID: <logo>\r\n/)
})

test('An attachment keeps its octets whatever its encoding says', async () => {
  const contents = [
    Buffer.from([0, 13, 10, 255]),
    Buffer.from('a\nb\rc'),
    Buffer.from('ASCII\r\n'),
    Buffer.from('trailing \t'),
  ]
  for (const transferEncoding of [undefined, 'SEVEN_BIT', 'BASE64', 'QUOTED_PRINTABLE'] as const) {
    const attachments = contents.map((content, n) => ({ ...FILE, fileName: `${n}.bin`, content, transferEncoding }))
    const email = await PostalMime.parse(composed({ attachments }))
    assert.deepEqual(
      email.attachments.map(({ content }) => Buffer.from(content as ArrayBuffer)),
      contents,
    )
  }
})

test('A text file in ASCII is sent as it is where 7bit is asked for, an attached message unless base64 is', () => {
  const csv = { ...FILE, fileName: 'list.csv', content: Buffer.from('a,b\r\n1,2') }
  const [asIs, encoded] = [/7bit\r\n[^]*\r\na,b\r\n1,2\r\n--/, /base64\r\n[^]*\r\nYSxiDQoxLDI=\r\n/]
  for (const [attachment, expected] of [
    [{ ...csv, transferEncoding: 'SEVEN_BIT' }, asIs],
    [csv, encoded],
    [{ ...csv, transferEncoding: 'BASE64' }, encoded],
    [{ ...csv, transferEncoding: 'SEVEN_BIT', content: Buffer.from('a,b\n') }, /base64\r\n[^]*\r\nYSxiCg==\r\n/],
    [{ ...csv, fileName: 'old.eml' }, asIs],
    [{ ...csv, fileName: 'old.eml', transferEncoding: 'BASE64' }, encoded],
  ] as const) {
    assert.match(composed({ attachments: [attachment] }).toString(), expected)
  }
})

test('A boundary that occurs in the content is not used', () => {
  const text = { data: '------=_Part_0_355072649.1693000415859--\n', charset: 'UTF-8' }
  assert.match(composed({ text, html: text }).toString(), /boundary="----=_Part_1_/)
})

test('Nothing that a caller gives begins a header line', () => {
  const evil = 'x\r\nBcc: victim@example.net\r\n\r\nbody\n\nBcc: y\0z\rBcc: q'
  const message = composed({
    from: `"${evil}" <ann@example.com>`,
    to: [`${evil.replaceAll(':', '')} <bob@example.org>`],
    subject: { data: evil, charset: 'UTF-8' },
    attachments: [{ ...FILE, description: evil }],
  })
  const split = splitMessage(message)
  assert.ok(split.ok)
  assert.deepEqual(
    split.value.headers.map(({ name }) => name),
    ['From', 'To', 'Subject', 'MIME-Version', 'Content-Type'],
  )
  assert.doesNotMatch(message.toString('latin1'), /^Bcc/m)
  assert.doesNotMatch(message.toString('latin1'), /(?<!\r)\n|\r(?!\n)|\0/)
})

test('Custom headers are refused as SES does', () => {
  const cases: [name: string, value: string, error: string | null][] = [
    ['X-Good', 'yes', null],
    ['List-Unsubscribe', '<https://example.com/u>', null],
    ['', 'x', 'The header name must be specified.'],
    [' ', 'x', 'The header name must be specified.'],
    ['X'.repeat(127), 'x', 'Header name cannot exceed 126 characters.'],
    ['X Y', 'x', "Invalid header name <X Y>: only printable ASCII characters except ':' are allowed."],
    ['X:Y', 'x', "Invalid header name <X:Y>: only printable ASCII characters except ':' are allowed."],
    ['Subject', 'x', "Illegal header 'Subject'."],
    ['content-type', 'x', "Illegal header 'content-type'."],
    ['X-A', '', 'The header value must be specified.'],
    ['X-A', 'x'.repeat(996), 'Header value cannot exceed 995 characters.'],
    ['X-A', 'x'.repeat(994), 'Header name and value cannot exceed 996 characters.'],
    ['X-A', 'x'.repeat(993), null],
    ['X-A', 'é', 'Invalid value of header <X-A>: only printable ASCII characters are allowed.'],
    ['X-A', 'a\r\nBcc: b', 'Invalid value of header <X-A>: only printable ASCII characters are allowed.'],
  ]
  for (const [name, value, error] of cases)
    assert.equal(refused({ headers: [{ name, value }] }), error, `${name}: ${value}`)
  const many = Array.from({ length: 16 }, (_, n) => ({ name: `X-${n}`, value: 'x' }))
  assert.equal(refused({ headers: many }), 'Header count exceeds 15.')
  const twice = ['Precedence', 'precedence'].map((name) => ({ name, value: 'bulk' }))
  assert.equal(refused({ headers: twice }), "Duplicate header 'precedence'.")
})

test('A subject that no header section could hold is refused before it is encoded', () => {
  const result = compose({ ...PLAIN, subject: { data: 'ü'.repeat(262_145), charset: 'UTF-8' } }, boundaries())
  assert.deepEqual(result, { ok: false, error: 'Header section too long.' })
})

test('Attachments are refused as SES does', () => {
  const invalid = (name: string) =>
    `Invalid attachment file name <${name}>: control characters and / \\ : * ? " < > | are not allowed.`
  const cases: [change: Partial<Attachment>, error: string | null][] = [
    [{ fileName: 'Übersicht.pdf' }, null],
    [{ fileName: ' ' }, 'The attachment file name must be specified.'],
    [{ fileName: `${'x'.repeat(252)}.pdf` }, 'Attachment file name cannot exceed 255 characters.'],
    ...Array.from('/\\:*?"<>|\r\n\0', (c): [Partial<Attachment>, string] => [
      { fileName: `a${c}b.pdf` },
      invalid(`a${c}b.pdf`),
    ]),
    [{ fileName: 'README' }, 'Invalid attachment file name <README>: a file extension is required.'],
    [{ contentType: 'application/pdf; version=1' }, null],
    [{ contentType: 'pdf' }, 'Invalid attachment content type <pdf>.'],
    [{ contentType: 'a/b\r\nX: y' }, 'Invalid attachment content type <a/b\r\nX: y>.'],
    [{ contentType: 'multipart/mixed' }, 'Invalid attachment content type <multipart/mixed>.'],
    [{ contentType: `a/${'b'.repeat(77)}` }, 'Attachment content type cannot exceed 78 characters.'],
    [{ contentId: '<logo@example.com>' }, null],
    [{ contentId: 'a b' }, 'Invalid attachment content ID <a b>.'],
    [{ contentId: 'x'.repeat(79) }, 'Attachment content ID cannot exceed 78 characters.'],
    [{ description: 'x'.repeat(1001) }, 'Attachment content description cannot exceed 1000 characters.'],
  ]
  for (const [change, error] of cases) assert.equal(refused({ attachments: [{ ...FILE, ...change }] }), error)
})

test('Addresses and charsets that cannot be written are refused', () => {
  assert.equal(refused({ from: 'ann' }), "Missing final '@domain'")
  assert.equal(refused({ to: ['a b@example.com'] }), 'Local address contains control or whitespace')
  assert.equal(refused({ text: { data: '', charset: 'KLINGON' } }), 'Invalid charset <KLINGON>.')
  assert.equal(refused({ subject: { data: '', charset: 'utf-8\r\nBcc: x' } }), 'Invalid charset <utf-8\r\nBcc: x>.')
  assert.equal(refused({ html: { data: '', charset: 'base64' } }), 'Invalid charset <base64>.')
})

// ── Two MIME libraries as judges ────────────────────────────────────────────────────────────────────────────────────

/** Text that is written in a charset; SES's callers write what the charset has. */
const REPERTOIRES = {
  'UTF-8': fc.string({ unit: 'binary' }),
  'ISO-8859-1': fc.string({ unit: fc.constantFrom(...'abc ÄÖÜäöüßéñ¿\n') }),
  'windows-1252': fc.string({ unit: fc.constantFrom(...'abc €„“–ÄÖÜ\n') }),
  'KOI8-R': fc.string({ unit: fc.constantFrom(...'abc Приветмир\n') }),
  Shift_JIS: fc.string({ unit: fc.constantFrom(...'abc 日本語テストかな\n') }),
  'ISO-2022-JP': fc.string({ unit: fc.constantFrom(...'abc 日本語テストかな\n') }),
  'EUC-KR': fc.string({ unit: fc.constantFrom(...'abc 한국어메일\n') }),
  GB18030: fc.string({ unit: fc.constantFrom(...'abc 中文邮件測試\n') }),
}
const charsetText = fc.constantFrom(...Object.keys(REPERTOIRES)).chain((charset) =>
  fc.record({
    // Controls have no meaning in a text, and the two libraries treat them each in its own way.
    data: REPERTOIRES[charset as keyof typeof REPERTOIRES].map((text) =>
      text.replace(/[\p{Cc}\ufeff]/gu, (c) => (c === '\n' ? c : '')),
    ),
    charset: fc.constant(charset),
  }),
)

/** What a header can carry: no white space at its ends or doubled, no look-alike of an encoded-word. */
const headerText = (unit: fc.Arbitrary<string>) =>
  fc.string({ unit, maxLength: 300 }).map((text) =>
    text
      .replace(/[\p{Cc}\p{Cf}\s\u180e]+/gu, ' ')
      .replaceAll('=?', '')
      .trim(),
  )
const unicodeLine = headerText(
  fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), fc.constantFrom(...'abcde   ')),
)

const domain = fc.constantFrom('example.com', 'xn--bcher-kva.example', 'a-b.example.org')
const local = fc.stringMatching(/^[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,30}$/).filter((text) => !text.includes('=?'))
const mailbox = fc.record({
  name: unicodeLine,
  address: fc.tuple(local, domain).map(([left, right]) => `${left}@${right}`),
})
const quoted = ({ name, address }: { name: string; address: string }) =>
  name === '' ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`

const fileName = fc.tuple(unicodeLine, fc.constantFrom('pdf', 'png', 'bin', 'docx', 'txt', 'csv', 'html')).map(
  ([name, extension]) =>
    `${name
      .replace(/[/\\:*?"<>|]/g, '')
      .slice(0, 200)
      .toWellFormed()
      .trim()}x.${extension}`,
)
const attachment = fc
  .record({
    content: fc.oneof(
      fc.uint8Array({ minLength: 1 }),
      fc.string({ minLength: 1 }).map((text) => Buffer.from(text)),
    ),
    fileName,
    contentType: fc.constant(undefined),
    disposition: fc.constantFrom('ATTACHMENT' as const, 'INLINE' as const),
    description: fc.option(unicodeLine, { nil: undefined }),
    contentId: fc.option(fc.stringMatching(/^[a-z0-9.]{1,20}@example$/), { nil: undefined }),
    // Text in SEVEN_BIT is the caller's own wish: postal-mime changes its line ends.
    transferEncoding: fc.constantFrom(undefined, 'BASE64' as const, 'QUOTED_PRINTABLE' as const),
  })
  // An inline text is a part of the body to who reads it.
  .map((each) => (/\.(?:txt|csv|html)$/.test(each.fileName) ? { ...each, disposition: 'ATTACHMENT' as const } : each))

/** Line ends as LF, without those at the end: postal-mime adds one to every text. */
const lines = (text: string | false | undefined) => (text || '').replaceAll('\r\n', '\n').replace(/\n+$/, '')

/** mailparser shows domains in Unicode. */
const inPunycode = (address: string) => address.replace(/(?<=@)[^@]*$/, domainToASCII)

test('What is composed is read alike by mailparser and postal-mime', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        from: mailbox,
        to: fc.array(mailbox, { maxLength: 4 }),
        cc: fc.array(mailbox, { maxLength: 2 }),
        replyTo: fc.array(mailbox, { maxLength: 2 }),
        subject: unicodeLine,
        text: fc.option(charsetText, { nil: undefined }),
        html: fc.option(charsetText, { nil: undefined }),
        header: headerText(fc.constantFrom(...'abc def; "(),<>@')),
        attachments: fc.array(attachment, { maxLength: 3 }),
      }),
      async ({ from, to, cc, replyTo, subject, text, html, header, attachments }) => {
        const message = composed({
          from: quoted(from),
          to: to.map(quoted),
          cc: cc.map(quoted),
          replyTo: replyTo.map(quoted),
          subject: { data: subject, charset: 'UTF-8' },
          text,
          html,
          headers: header === '' ? [] : [{ name: 'X-Custom', value: header }],
          attachments,
        })
        const split = splitMessage(message)
        assert.ok(split.ok)
        assert.equal(checkMime(split.value), null)
        for (const line of message.toString('latin1').split('\r\n'))
          assert.ok(line.length <= 998 && !/[\r\n]/.test(line))

        const first = await simpleParser(message, {
          keepCidLinks: true,
          skipTextToHtml: true,
          skipHtmlToText: true,
          skipTextLinks: true,
        })
        const second = await PostalMime.parse(message)
        assert.equal(first.subject ?? '', subject)
        assert.equal(second.subject ?? '', subject)
        for (const [given, one, two] of [
          [[from], first.from, second.from === undefined ? [] : [second.from]],
          [to, first.to, second.to],
          [cc, first.cc, second.cc],
          [replyTo, first.replyTo, second.replyTo],
        ] as const) {
          const values = one === undefined ? [] : (Array.isArray(one) ? one : [one]).flatMap(({ value }) => value)
          const expected = given.map(({ name, address }) => ({ name, address }))
          assert.deepEqual(
            values.map(({ name, address }) => ({ name, address: inPunycode(address ?? '') })),
            expected,
          )
          assert.deepEqual(
            (two ?? []).map(({ name, address }) => ({ name, address })),
            expected,
          )
        }
        assert.equal(first.headers.get('x-custom') ?? '', header)
        assert.equal(second.headers.find(({ key }) => key === 'x-custom')?.value ?? '', header)
        assert.equal(lines(first.text), lines(text?.data))
        assert.equal(lines(first.html), lines(html?.data))
        if (text !== undefined) assert.equal(lines(second.text), lines(text.data))
        if (html !== undefined) assert.equal(lines(second.html), lines(html.data))
        const summary = (name: string | null | undefined, content: Uint8Array) => ({
          name,
          content: Buffer.from(content).toString('base64'),
        })
        const sorted = <T extends { content: string }>(list: T[]) =>
          list.toSorted((a, b) => (a.content < b.content ? -1 : 1))
        const expected = sorted(attachments.map((each) => summary(each.fileName, each.content)))
        assert.deepEqual(
          sorted(first.attachments.map((each: ParsedAttachment) => summary(each.filename, each.content))),
          expected,
        )
        assert.deepEqual(
          sorted(second.attachments.map((each) => summary(each.filename, new Uint8Array(each.content as ArrayBuffer)))),
          expected,
        )
      },
    ),
    { numRuns: Number(process.env.RUNS ?? 60) },
  )
})
