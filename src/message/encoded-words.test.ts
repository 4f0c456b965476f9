import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeText, encodeText, isCharset } from './charsets.ts'
import { decodeWords, encodeWords } from './encoded-words.ts'

test('Encoded-words are undone', () => {
  const cases: [encoded: string, text: string][] = [
    ['plain', 'plain'],
    ['=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=', 'Grüße'],
    ['=?utf-8?q?a_b?= c', 'a b c'],
    ['=?ISO-8859-1?Q?a?= b', 'a b'],
    ['=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=', 'ab'],
    ['=?ISO-8859-1?Q?a?= \r\n\t =?ISO-8859-1?Q?b?=', 'ab'],
    ['=?ISO-8859-1?Q?a_?= =?UTF-8?B?Yg==?=', 'a b'],
    ['=?UTF-8?B?5pel5pys?=', '日本'],
    ['=?UTF-8?B?5pel5g==?= =?UTF-8?B?nKw=?=', '日本'],
    ['=?UTF-8*EN?Q?hi?=', 'hi'],
    ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
    ['=?koi8-r?B?8NLJ18XU?=', 'Привет'],
    ['=?windows-1252?Q?=80=97?=', '€—'],
    ['=?x-unknown?Q?=C3=A9?=', 'é'],
    ['=?x-unknown?Q?=E9?=', 'é'],
    ['(=?UTF-8?Q?a?=)', '(a)'],
    ['=?UTF-8?X?abc?=', '=?UTF-8?X?abc?='],
    ['=?UTF-8?Q?abc', '=?UTF-8?Q?abc'],
    ['=??Q?abc?=', '=??Q?abc?='],
    ['=?UTF-8?Q?abc?d?=', '=?UTF-8?Q?abc?d?='],
    ['=?=?UTF-8?Q?a?=', '=?a'],
    ['=?UTF-8?Q?=ZZ=4?=', '=ZZ=4'],
    ['=?UTF-8?Q??=', ''],
  ]
  for (const [encoded, text] of cases) assert.equal(decodeWords(encoded), text, encoded)
})

test('Text is encoded only when it needs to be, Q when most of it is ASCII', () => {
  assert.equal(encodeWords('plain text'), 'plain text')
  assert.equal(encodeWords('Grüße'), '=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=')
  assert.equal(encodeWords('Grüße', 'ISO-8859-1'), '=?ISO-8859-1?Q?Gr=FC=DFe?=')
  assert.equal(encodeWords('日本'), '=?UTF-8?B?5pel5pys?=')
  assert.equal(encodeWords('日本', 'ISO-2022-JP'), '=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=')
  assert.equal(encodeWords('€1', 'us-ascii'), '=?us-ascii?B?PzE=?=')
  assert.equal(encodeWords('a\0b'), '=?UTF-8?Q?a=00b?=')
  assert.equal(encodeWords('=?x'), '=?UTF-8?Q?=3D=3Fx?=')
  assert.equal(encodeWords('é', 'no-such'), '=?UTF-8?B?w6k=?=')
})

const REPERTOIRES: [charset: string, characters: string][] = [
  ['iso-8859-1', 'abc äöüÄß¿ÿ=?_'],
  ['iso-8859-15', 'abc €äŠ=?_'],
  ['windows-1251', 'abc Приветмир=?_'],
  ['koi8-r', 'abc Приветмир=?_'],
  ['shift_jis', 'abc 日本語テスト=?_'],
  ['euc-jp', 'abc 日本語テスト=?_'],
  ['iso-2022-jp', 'abc 日本語テスト=?_'],
  ['gb18030', 'abc 中文邮件測試😀=?_'],
  ['big5', 'abc 中文測試=?_'],
  ['euc-kr', 'abc 한국어=?_'],
  ['utf-16be', 'abc é日😀=?_'],
]

test('What is encoded is decoded again, in words of at most 75 characters', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }).map((each) => ({ text: each, charset: 'utf-8' })),
    fc.string({ unit: 'grapheme', maxLength: 400 }).map((each) => ({ text: each, charset: 'UTF-8' })),
    ...REPERTOIRES.map(([charset, characters]) =>
      fc.string({ unit: fc.constantFrom(...characters), maxLength: 200 }).map((each) => ({ text: each, charset })),
    ),
  )
  fc.assert(
    fc.property(text, (given) => {
      const encoded = encodeWords(given.text, given.charset)
      assert.equal(decodeWords(encoded), given.text)
      assert.match(encoded, /^[\t -~]*$/)
      if (encoded !== given.text) assert.ok(encoded.split(' ').every((word) => word.length <= 75))
    }),
    { numRuns: 1000 },
  )
})

test('No text makes decoding throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'=?=?ubqUTF-8*_ \tA') }), (text) => {
      decodeWords(text)
    }),
    { numRuns: 1000 },
  )
})

test('Octets and text go into one another in the charsets that mail is written in', () => {
  for (const [charset, characters] of REPERTOIRES) {
    assert.ok(isCharset(charset), charset)
    assert.equal(decodeText(encodeText(characters, charset), charset), characters, charset)
  }
  assert.deepEqual(encodeText('ﾃｽﾄ€', 'iso-2022-jp'), Buffer.from('????'))
  assert.deepEqual(encodeText('é€', 'iso-8859-1'), Buffer.from([0xe9, 0x3f]))
  assert.equal(decodeText(Buffer.from([0xf9, 0xec, 0xe5, 0xed]), 'iso-8859-8-i'), 'שלום')
  for (const name of ['', 'base64', 'hex', 'binary', 'no-such', 'utf-8;x', 'utf-8\r\n', '__proto__', 'constructor'])
    assert.ok(!isCharset(name), name)
})
