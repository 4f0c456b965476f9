import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compose } from './compose.ts'
import { extractCodes, extractLinks, readMessage } from './read.ts'

test('A composed message is read with its parts', async () => {
  let n = 0
  const composed = compose(
    {
      from: 'Jörg <j@example.com>',
      to: ['Ann <ann@example.com>', 'b@example.com'],
      cc: ['c@example.com'],
      replyTo: ['r@example.com'],
      subject: { data: 'Grüße', charset: 'UTF-8' },
      text: { data: 'Hällo\nyou', charset: 'UTF-8' },
      html: { data: '<p>Hällo</p>', charset: 'ISO-8859-1' },
      headers: [{ name: 'X-A', value: 'b' }],
      attachments: [
        {
          content: Buffer.from([1, 2, 3]),
          fileName: 'Bild ü.png',
          contentType: undefined,
          disposition: 'INLINE',
          description: undefined,
          contentId: 'bild',
          transferEncoding: undefined,
        },
      ],
    },
    () => `----=_Part_${n++}_1.1`,
  )
  assert.ok(composed.ok)
  const { headers, ...rest } = await readMessage(composed.value)
  assert.deepEqual(headers.slice(0, 3), [
    { name: 'From', value: 'Jörg <j@example.com>' },
    { name: 'To', value: 'Ann <ann@example.com>, b@example.com' },
    { name: 'Cc', value: 'c@example.com' },
  ])
  assert.deepEqual(rest, {
    from: { name: 'Jörg', address: 'j@example.com' },
    to: [
      { name: 'Ann', address: 'ann@example.com' },
      { name: '', address: 'b@example.com' },
    ],
    cc: [{ name: '', address: 'c@example.com' }],
    replyTo: [{ name: '', address: 'r@example.com' }],
    subject: 'Grüße',
    date: null,
    text: 'Hällo\nyou',
    html: '<p>Hällo</p>',
    attachments: [
      {
        filename: 'Bild ü.png',
        contentType: 'image/png',
        disposition: 'inline',
        contentId: 'bild',
        size: 3,
        content: new Uint8Array([1, 2, 3]),
      },
    ],
  })
})

test('A message of one text is read without the line end that closes it', async () => {
  const message = await readMessage(
    Buffer.from('Date: Tue, 29 Aug 2023 10:11:12 +0000\r\nTo: G: a@x.org, b@x.org;\r\n\r\nHi\r\n'),
  )
  assert.equal(message.text, 'Hi')
  assert.equal(message.html, null)
  assert.equal(message.date, '2023-08-29T10:11:12.000Z')
  assert.deepEqual(message.to, [
    { name: '', address: 'a@x.org' },
    { name: '', address: 'b@x.org' },
  ])
})

test('A text of any transfer encoding is read as it was composed', async () => {
  const address = { from: 'a@x.org', to: ['b@x.org'], cc: [], replyTo: [], headers: [], attachments: [] }
  for (const data of ['plain', 'two\nlines\n', 'naïve', 'naïve\n', '日本', '日本\n', 'x'.repeat(2000)]) {
    const text = { data, charset: 'UTF-8' }
    const composed = compose({ ...address, subject: undefined, text, html: text }, () => `----=_Part_1_1.1`)
    assert.ok(composed.ok)
    const read = await readMessage(composed.value)
    assert.deepEqual([read.text, read.html], [data, data])
  }
})

test('Attached files are read octet for octet, whatever their transfer encoding', async () => {
  const contents = ['', 'text', 'two\r\nlines', 'two\r\nlines\r\n', '\r\n', 'ends in blanks  ']
  const part = (content: string, encoding: string) =>
    `--b\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: ${encoding}\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n${content}\r\n`
  for (const encoding of ['7bit', '8bit', 'quoted-printable']) {
    const encoded = (content: string) => (encoding === 'quoted-printable' ? content.replace(/ $/, '=20') : content)
    const files = contents.map((content) => part(encoded(content), encoding)).join('')
    const raw = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n${files}--b--\r\n`
    const { text, attachments } = await readMessage(Buffer.from(raw))
    assert.equal(text, 'text')
    assert.deepEqual(
      attachments.map(({ content, size }) => [Buffer.from(content).toString(), size]),
      contents.map((content) => [content, content.length]),
      encoding,
    )
  }
})

test('A calendar is read octet for octet', async () => {
  const head = 'Content-Type: text/calendar; name=a.ics\r\nContent-Disposition: attachment; filename=a.ics\r\n'
  const raw = `${head}Content-Transfer-Encoding: base64\r\n\r\n${btoa('BEGIN:VCALENDAR')}\r\n`
  const { attachments } = await readMessage(Buffer.from(raw))
  assert.deepEqual(
    attachments.map(({ content, size }) => [Buffer.from(content).toString(), size]),
    [['BEGIN:VCALENDAR', 15]],
  )
})

test('A message beyond the bounds is read for its header section', async () => {
  const bomb = `Subject: bomb\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n'.repeat(2000)}`
  const message = await readMessage(Buffer.from(bomb))
  assert.equal(message.subject, 'bomb')
  assert.deepEqual([message.text, message.attachments], [null, []])
})

test('No octets make reading fail', async () => {
  const line = fc.constantFrom(
    '--b',
    '--b--',
    '',
    'x',
    'Content-Type: multipart/mixed; boundary=b',
    'Content-Type: message/rfc822',
    'From: <',
    'Content-Transfer-Encoding: base64',
    ': x',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.array(line).map((lines) => Buffer.from(lines.join('\r\n'))),
        fc.uint8Array(),
      ),
      async (raw) => {
        await readMessage(raw)
      },
    ),
    { numRuns: 200 },
  )
})

test('Links are those of the text, then those that only the HTML has', () => {
  const text =
    'See https://example.com/a?b=c&d=e. Or <http://example.com/x>, (https://example.com/y), https://example.com/z_(1)\nhttps://example.com/x'
  assert.deepEqual(extractLinks(text, null), [
    'https://example.com/a?b=c&d=e',
    'http://example.com/x',
    'https://example.com/y',
    'https://example.com/z_(1)',
    'https://example.com/x',
  ])
  const html = `<style>a{}</style><!-- <a href="https://no.example"> --><A class=x title='>' HREF = "https://example.com/v?t=1&amp;u=2">x</a>
    <a href='mailto:a@b'>m</a><a href=https://example.com/bare>b</a><a name=x href="javascript:alert(1)">j</a><img src="https://img.example/x.png">`
  assert.deepEqual(extractLinks(null, html), ['https://example.com/v?t=1&u=2', 'https://example.com/bare'])
  assert.deepEqual(extractLinks('https://example.com/bare', html), [
    'https://example.com/bare',
    'https://example.com/v?t=1&u=2',
  ])
  assert.deepEqual(extractLinks(null, '<p>Go to https://example.com/p</p>'), ['https://example.com/p'])
  assert.deepEqual(extractLinks(null, null), [])
})

test('One-time codes are found, the announced ones first', () => {
  const cases: [text: string, codes: string[]][] = [
    ['Your verification code is 123456.', ['123456']],
    ['123456 is your code', ['123456']],
    ['Your code: 1234', ['1234']],
    ['Ihr Bestätigungscode lautet 4711-0815', []],
    ['Enter the code 123-456 to go on', ['123456']],
    ['Enter the code 123 456 to go on', ['123456']],
    ['Code\n1 2 3 4 5 6', ['123456']],
    ['G-654321 is your Google verification code', ['654321']],
    ['Your OTP is A1B2C3', ['A1B2C3']],
    ['Use token WXYZ-1234 now', ['WXYZ-1234']],
    ['验证码：482913', ['482913']],
    ['Order 555555 of 2024. Your code is 987654', ['987654', '555555']],
    ['Call +1 555 123 4567, costs $123456 or 12.345678', []],
    ['https://example.com/code/123456', []],
    ['Copyright 2024', []],
    ['Nothing here', []],
  ]
  for (const [text, codes] of cases) assert.deepEqual(extractCodes(text, null), codes, text)
  assert.deepEqual(extractCodes(null, '<style>#123456{}</style><p>Your code is</p><p><b>12</b><i>34</i>56</p>'), [
    '123456',
  ])
  assert.deepEqual(extractCodes(null, '<p>code</p><td>1</td><td>2</td><td>3</td><td>4</td>'), ['1234'])
})

test('Hostile text is searched in linear time', () => {
  const units = [
    '<',
    '<a',
    '<a ',
    '<a href=',
    '<a href="',
    '<style>',
    '<!--',
    '&',
    '&#',
    ' ',
    '\n',
    '\t\n',
    '1',
    '1 ',
    'A',
    'A1',
    'code 12345 ',
    '1234 code ',
    'https://',
    'https://a)',
    'a=',
    "='",
    '<script></script>',
  ]
  for (const unit of units) {
    const text = unit.repeat(200_000 / unit.length)
    extractLinks(text, text)
    extractLinks(null, `<a ${text}`)
    extractCodes(text, null)
    extractCodes(null, text)
  }
})
