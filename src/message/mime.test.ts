import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { blockedExtension, contentTypeOf } from './attachment-types.ts'
import { readContentType, readDisposition } from './content-headers.ts'
import { splitMessage } from './headers.ts'
import { checkMime } from './mime.ts'
import { listParts } from './mime-parts.ts'

function split(lines: readonly string[]) {
  const message = splitMessage(Buffer.from(lines.join('\r\n')))
  assert.ok(message.ok)
  return message.value
}

const check = (...lines: string[]) => checkMime(split(lines))
const parts = (lines: readonly string[], intoMessages = false) =>
  listParts(split(lines), intoMessages).parts.map(({ contentType, body }) => [
    contentType.value,
    Buffer.from(body).toString(),
  ])

const MIXED = 'Content-Type: multipart/mixed; boundary=b'

test('Messages that SES takes pass', () => {
  assert.equal(check('Subject: x', '', 'Body'), null)
  assert.equal(check('Content-Type: nonsense', '', 'Body'), null)
  assert.equal(check('Content-Type: text/plain; charset=utf-8;', '', 'Body'), null)
  assert.equal(check(MIXED, '', '--b', '', 'Body', '--b--'), null)
  assert.equal(check(MIXED, '', 'preamble', '--b  ', '', 'No end'), null)
  assert.equal(check('Content-Type: multipart/mixed', '', '-----', '--guess', '', 'Body', '--guess--'), null)
  assert.equal(check('Content-Disposition: attachment (x); filename="a b;c.pdf"', '', 'Body'), null)
})

test('What SES refuses in the structure is refused in its words', () => {
  const cases: [error: string, lines: string[]][] = [
    ['Missing start boundary', [MIXED, '', 'Body']],
    ['Missing start boundary', [MIXED, '', '--c', '', 'Body', '--c--']],
    ['Missing start boundary', [MIXED, '', '--b--']],
    ['Missing start boundary', ['Content-Type: multipart/mixed', '', 'Body']],
    [
      'Missing start boundary',
      [MIXED, '', '--b', 'Content-Type: multipart/alternative; boundary=c', '', 'Body', '--b--'],
    ],
    ['Expected disposition, got =', ['Content-Disposition: =?UTF-8?Q?attachment?=', '', '']],
    ['Expected disposition, got =', [MIXED, '', '--b', 'Content-Disposition: ="a"', '', '', '--b--']],
    ['Expected disposition, got null', ['Content-Disposition:', '', '']],
    ['Expected disposition, got x y', ['Content-Disposition: "x y"', '', '']],
    [`Expected ';', got ":"`, ['Content-Type: image/png; name=2017-12-11T21:33.png', '', '']],
    [`Expected ';', got "E.pdf"`, ['Content-Type: application/pdf; name=E(E)E.pdf', '', '']],
    [`Expected ';', got "file.pdf"`, ['Content-Disposition: attachment; filename=my file.pdf', '', '']],
    [`Expected '=', got "null"`, ['Content-Type: text/plain; charset', '', '']],
    [`Expected parameter name, got "="`, ['Content-Type: text/plain; =x', '', '']],
    [`Expected parameter value, got "="`, ['Content-Type: image/jpg; filename==?UTF-8?Q?x?=', '', '']],
    ['Unbalanced comments', ['Content-Type: application/pdf; name=E(E.pdf', '', '']],
    ['Unbalanced quoted string', ['Content-Disposition: attachment; filename="x', '', '']],
  ]
  for (const [error, lines] of cases) assert.deepEqual(check(...lines), { error }, lines.join('|'))
})

test('Attached messages are not looked into', () => {
  const bounced = ['Content-Type: message/rfc822', '', 'Content-Type: multipart/mixed; boundary=c', '', 'cut off']
  assert.equal(check(MIXED, '', '--b', ...bounced, '--b--'), null)
})

test('Attachments of the extensions on the list are found by all their names', () => {
  const blocked = (field: string) => check(MIXED, '', '--b', '', '', '--b', field, '', '', '--b--')
  assert.deepEqual(blocked('Content-Disposition: attachment; filename=Setup.EXE'), { blockedExtension: '.exe' })
  assert.deepEqual(blocked('Content-Disposition: attachment; filename="a.pdf.js. "'), { blockedExtension: '.js' })
  assert.deepEqual(blocked('Content-Disposition: inline; filename="=?UTF-8?B?YS5iYXQ=?="'), {
    blockedExtension: '.bat',
  })
  assert.deepEqual(blocked("Content-Disposition: attachment; filename*=UTF-8''a%2Evbs"), { blockedExtension: '.vbs' })
  assert.deepEqual(blocked('Content-Disposition: attachment; filename*0="a.v"; filename*1=bs'), {
    blockedExtension: '.vbs',
  })
  assert.deepEqual(blocked('Content-Type: application/octet-stream; name=a.scr'), { blockedExtension: '.scr' })
  assert.equal(blocked('Content-Disposition: attachment; filename=a.exe.pdf'), null)
  assert.equal(blocked('Content-Disposition: attachment; filename=exe'), null)
  assert.deepEqual(check('Content-Disposition: attachment; filename=a.cmd', '', ''), { blockedExtension: '.cmd' })
})

test('The whole list of extensions is blocked, and nothing else', () => {
  const list =
    `.ade .adp .app .asp .bas .bat .cer .chm .cmd .com .cpl .crt .csh .der .exe .fxp .gadget .hlp .hta .inf .ins .isp .its
    .js .jse .ksh .lib .lnk .mad .maf .mag .mam .maq .mar .mas .mat .mau .mav .maw .mda .mdb .mde .mdt .mdw .mdz .msc .msh
    .msh1 .msh2 .mshxml .msh1xml .msh2xml .msi .msp .mst .ops .pcd .pif .plg .prf .prg .reg .scf .scr .sct .shb .shs .sys
    .ps1 .ps1xml .ps2 .ps2xml .psc1 .psc2 .tmp .url .vb .vbe .vbs .vps .vsmacros .vss .vst .vsw .vxd .ws .wsc .wsf .wsh
    .xnk`.split(/\s+/)
  for (const extension of list) assert.equal(blockedExtension(`file${extension}`), extension)
  for (const name of ['a.pdf', 'a.zip', 'a.p7s', 'a.eml', 'a', '', '.', 'a.', 'constructor', 'a.__proto__'])
    assert.equal(blockedExtension(name), null)
  assert.equal(contentTypeOf('A.PNG'), 'image/png')
  assert.equal(contentTypeOf('a.unknown'), 'application/octet-stream')
})

test('Parts are found with their bodies, whatever the nesting', () => {
  const lines = [
    MIXED,
    '',
    'preamble',
    '--b',
    'Content-Type: multipart/alternative; boundary="b c"',
    '',
    '--b c',
    '',
    'one',
    '--b c',
    'Content-Type: text/html',
    '',
    'two',
    '',
    '--b c--',
    'epilogue',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Content-Type: text/csv',
    '',
    'three',
    '--b--',
    '--b',
  ]
  const first = [
    ['multipart/mixed', ''],
    ['multipart/alternative', ''],
    ['text/plain', 'one'],
    ['text/html', 'two\r\n'],
  ]
  assert.deepEqual(parts(lines), [...first, ['message/rfc822', 'Content-Type: text/csv\r\n\r\nthree']])
  assert.deepEqual(parts(lines, true), [...first, ['message/rfc822', ''], ['text/csv', 'three']])
})

test('A part that the boundary of an outer multipart cuts off ends there', () => {
  const lines = [
    MIXED,
    '',
    '--b',
    'Content-Type: multipart/mixed',
    '',
    'text',
    '--b',
    'Content-Type: text/html',
    '--b',
    '',
    'last',
  ]
  assert.deepEqual(parts(lines), [
    ['multipart/mixed', ''],
    ['multipart/mixed', ''],
    ['text/html', ''],
    ['text/plain', 'last'],
  ])
})

test('Too many and too deep parts are refused', () => {
  const many = (count: number) => check(MIXED, '', ...Array.from({ length: count }, () => '--b\r\n\r\n'))
  assert.equal(many(999), null)
  assert.deepEqual(many(1000), { error: 'Number of MIME parts exceeds 1000.' })
  const nested = (depth: number) =>
    check(
      'Content-Type: multipart/mixed; boundary=b0',
      '',
      ...Array.from({ length: depth }, (_, n) => `--b${n}\r\nContent-Type: multipart/mixed; boundary=b${n + 1}\r\n`),
      `--b${depth}`,
      '',
      '',
    )
  assert.equal(nested(19), null)
  assert.deepEqual(nested(20), { error: 'MIME parts are nested more than 20 deep.' })
  const messages = Array.from({ length: 25 }, () => '--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n')
  assert.equal(listParts(split([MIXED, '', ...messages]), true).excess, null)
  const chain = 'Content-Type: message/rfc822\r\n\r\n'.repeat(5000)
  assert.equal(listParts(split([chain]), true).excess, 'depth')
})

test('Hostile structures are read in linear time', () => {
  const boundary = 'x'.repeat(100_000)
  check(
    `Content-Type: multipart/mixed; boundary=${boundary}`,
    '',
    ...Array.from({ length: 20 }, () => `--${boundary}y`),
  )
  check(MIXED, '', '--\r\n'.repeat(200_000))
  check(MIXED, '', '-'.repeat(1_000_000))
  check('Content-Type: multipart/mixed', '', '-----\r\n'.repeat(100_000))
  for (const unit of ['(', '"', '\\', ';', '; a=b', ';a*0=b', ' ', '=']) {
    readContentType(`text/plain${unit.repeat(100_000 / unit.length)}`)
    readDisposition(unit.repeat(100_000 / unit.length))
  }
})

test('No octets make it throw', () => {
  const line = fc.constantFrom(
    '--b',
    '--b--',
    '--c',
    '',
    'x',
    MIXED,
    'Content-Type: multipart/x',
    'Content-Type: message/rfc822',
    'Content-Disposition: a; filename*0*=x',
    ' b',
    '\0',
  )
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), (lines, intoMessages) => {
      const message = splitMessage(Buffer.from([MIXED, '', ...lines].join('\r\n')))
      assert.ok(message.ok)
      listParts(message.value, intoMessages)
      checkMime(message.value)
    }),
    { numRuns: 1000 },
  )
})

test('Parameters are read in all the ways of RFC 2231 and RFC 2047', () => {
  const names: [parameters: string, name: string | undefined][] = [
    ['filename=a.pdf', 'a.pdf'],
    ['FileName="a \\"b\\".pdf"', 'a "b".pdf'],
    ["filename*=iso-8859-1'en'%FCber.pdf", 'über.pdf'],
    ["filename=x; filename*=UTF-8''%E2%82%AC", '€'],
    ['filename*0*=UTF-8\'\'%E2%82; filename*1*=%AC; filename*2=".pdf"', '€.pdf'],
    ['filename*1=b; filename*0=a', 'ab'],
    ["filename*=''a%", 'a%'],
    ["filename*=x-unknown''%E9", 'é'],
    ['filename*1=b', undefined],
    ['*=a', undefined],
  ]
  for (const [parameters, name] of names) {
    assert.equal(readDisposition(`attachment; ${parameters}`).parameters.get('filename'), name, parameters)
  }
})
