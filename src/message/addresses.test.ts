import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatMailbox,
  headerForm,
  overLengthError,
  parseMailbox,
  parseMailboxList,
  parsePath,
  userNameError,
} from './addresses.ts'

test('Addresses that SES takes are read', () => {
  const cases: [text: string, name: string | null, address: string][] = [
    ['ann@example.com', null, 'ann@example.com'],
    ['  ann@example.com\r\n', null, 'ann@example.com'],
    ['<ann@example.com>', null, 'ann@example.com'],
    ['Ann <ann@example.com>', 'Ann', 'ann@example.com'],
    ['Ann Example <Ann@Example.COM>', 'Ann Example', 'Ann@Example.COM'],
    ['"Karen, Chan" <k@example.com>', 'Karen, Chan', 'k@example.com'],
    ['"Ann \\"the\\" \\\\ Example" <a@example.com>', 'Ann "the" \\ Example', 'a@example.com'],
    ['"" <a@example.com>', null, 'a@example.com'],
    ['Änn 日本 <a@example.com>', 'Änn 日本', 'a@example.com'],
    ['=?UTF-8?Q?J=C3=B6rg?= <j@example.com>', 'Jörg', 'j@example.com'],
    ['=?utf-8?B?5pel?= =?utf-8?B?5pys?= <j@example.com>', '日本', 'j@example.com'],
    ['a@example.com (Ann (the) Example)', 'Ann (the) Example', 'a@example.com'],
    ['(x) a@example.com', 'x', 'a@example.com'],
    ['Ann <a@example.com> (home)', 'Ann', 'a@example.com'],
    ['.receiver@example.com', null, '.receiver@example.com'],
    ['receiver.@example.com', null, 'receiver.@example.com'],
    ['re..ceiver@example.com', null, 're..ceiver@example.com'],
    ['"a b, c;<>"@example.com', null, '"a b, c;<>"@example.com'],
    ['"a\\"@b"@example.com', null, '"a\\"@b"@example.com'],
    ["o'brien+tag=1!#$%&*/?^_`{|}~-@example.com", null, "o'brien+tag=1!#$%&*/?^_`{|}~-@example.com"],
    ['a@xn--bcher-kva.example', null, 'a@xn--bcher-kva.example'],
    ['a@localhost', null, 'a@localhost'],
    ['a@[192.0.2.1]', null, 'a@[192.0.2.1]'],
    ['a@[IPv6:2001:db8::1]', null, 'a@[IPv6:2001:db8::1]'],
  ]
  for (const [text, name, address] of cases) {
    const result = parseMailbox(text)
    assert.ok(result.ok, text)
    const { value } = result
    assert.deepEqual([value.name, value.address], [name, address], text)
    assert.equal(value.address, `${value.localPart}@${value.domain}`)
    assert.equal(value.text, text.trim())
  }
})

const REFUSED: [text: string, error: string][] = [
  ['ann', "Missing final '@domain'"],
  ['Ann <ann>', "Missing final '@domain'"],
  ['Ann <>', "Missing final '@domain'"],
  ['"ann"', "Missing final '@domain'"],
  ['ann@', 'Missing domain'],
  ['@example.com', 'Missing local name'],
  ['a b@example.com', 'Local address contains control or whitespace'],
  ['Ann ann@example.com', 'Local address contains control or whitespace'],
  ['Karen Chan <karen @example.com>', 'Local address contains control or whitespace'],
  ['a\tb@example.com', 'Local address contains control or whitespace'],
  ['a\x7fb@example.com', 'Local address contains control or whitespace'],
  ['a\0b@example.com', 'Local address contains control or whitespace'],
  ['jörg@example.com', 'Local address contains control or whitespace'],
  ['\u00a0a@example.com', 'Local address contains control or whitespace'],
  ['"jörg"@example.com', 'Local address contains control or whitespace'],
  ['a@exam ple.com', 'Domain contains control or whitespace'],
  ['a@bücher.example', 'Domain contains control or whitespace'],
  ['a@example.com b@example.com', 'Domain contains control or whitespace'],
  ['github:ann', 'Local address contains illegal character'],
  ['To: a@example.com', 'Local address contains illegal character'],
  ['DEBUG: Bob <b@example.com>', 'Local address contains illegal character'],
  ['Friends: a@example.com;', 'Local address contains illegal character'],
  ['a[b@example.com', 'Local address contains illegal character'],
  ['a\\b@example.com', 'Local address contains illegal character'],
  ['a@gmail.com%!', 'Domain contains illegal character'],
  ['a@example.com@', 'Domain contains illegal character'],
  ['a@my_host.example', 'Domain contains illegal character'],
  ['a@`example.com', 'Domain contains illegal character'],
  ['a@example.com:25', 'Domain contains illegal character'],
  ['a@[192.0.2.1', 'Domain contains illegal character'],
  ['a@example..com', 'Domain contains dot-dot'],
  ['a@example.com.', 'Domain ends with dot'],
  ['a@.example.com', 'Domain starts with dot'],
  ['Karen, Chan <k@example.com>', 'Illegal address'],
  ['a@example.com, b@example.com', 'Illegal address'],
  ['', 'Illegal address'],
  [' \r\n', 'Illegal address'],
  ['Ann <a@example.com> x', 'Illegal address'],
  ['"Ann <a@example.com>', `Missing '"'`],
  ['Ann <"a@example.com>', `Missing '"'`],
  ['a@example.com; b@example.com', 'Illegal semicolon, not in group'],
  ['Ann <a@example.com> <b@example.com>', 'Extra route-addr'],
  ['Ann <a@example.com', "Missing '>'"],
  ['Ann> a@example.com', "Missing '<'"],
  ['Ann (x <a@example.com>', "Missing ')'"],
  ['Ann) <a@example.com>', "Missing '('"],
  ['"a"b@example.com', 'Quote not at end of local address'],
  ['"a\r\nb"@example.com', 'Invalid email address<"a\r\nb"@example.com>.'],
  ['"a\\\nb"@example.com', 'Invalid email address<"a\\\nb"@example.com>.'],
]

test('Addresses that SES refuses are refused in its words', () => {
  for (const [text, error] of REFUSED) assert.deepEqual(parseMailbox(text), { ok: false, error }, text)
})

test('A list of a header may have groups, comments and empty places', () => {
  const addresses = (text: string) => {
    const result = parseMailboxList(text)
    return result.ok
      ? result.value.map(({ name, address }) => (name === null ? address : `${name}|${address}`))
      : result.error
  }
  assert.deepEqual(addresses('a@x.org, "B, C" <b@x.org>,, (see) c@x.org'), ['a@x.org', 'B, C|b@x.org', 'see|c@x.org'])
  assert.deepEqual(addresses('Friends: a@x.org, Bea <b@x.org>; , c@x.org'), ['a@x.org', 'Bea|b@x.org', 'c@x.org'])
  assert.deepEqual(addresses('a@[IPv6:::1], b@x.org'), ['a@[IPv6:::1]', 'b@x.org'])
  assert.deepEqual(addresses('undisclosed-recipients:;'), [])
  assert.deepEqual(addresses(''), [])
  assert.equal(addresses('Karen, Chan <k@x.org>'), "Missing final '@domain'")
  assert.equal(addresses('a@x.org; b@x.org'), 'Illegal semicolon, not in group')
  assert.equal(addresses('DEBUG: Bob <b@x.org>'), 'Local address contains illegal character')
  assert.equal(addresses('<undisclosed-recipients:>'), 'Local address contains illegal character')
  assert.equal(addresses('a: b: c@x.org;'), 'Local address contains illegal character')
})

test('An address is measured in its normalized form', () => {
  const error = (text: string) => {
    const result = parseMailbox(text)
    assert.ok(result.ok)
    return overLengthError(result.value)
  }
  const domain = '@example.com'
  assert.equal(error(`${'a'.repeat(308)}${domain}`), null)
  assert.equal(
    error(`${'a'.repeat(309)}${domain}`),
    `Address length is more than 320 characters long: '${'a'.repeat(309)}${domain}'.`,
  )
  // Quotes that a name does not need are not counted, those that it needs are.
  assert.equal(error(`"${'n'.repeat(304)}" <a${domain}>`), null)
  assert.equal(
    error(`${'n'.repeat(305)} <a${domain}>`),
    `Address length is more than 320 characters long: '${'n'.repeat(305)} <a${domain}>'.`,
  )
  assert.equal(error(`${'é'.repeat(302)} <a${domain}>`), null)
  assert.match(error(`${'é'.repeat(303)} <a${domain}>`) ?? '', /: '"é+" <a@example\.com>'\.$/)
  // Encoded-words are measured as they stand.
  assert.match(error(`=?UTF-8?Q?${'=C3=A9'.repeat(60)}?= <a${domain}>`) ?? '', /^Address length/)
})

test('Addresses are written as headers can hold them', () => {
  const forms = (text: string) => {
    const result = parseMailbox(text)
    assert.ok(result.ok)
    return [formatMailbox(result.value), headerForm(result.value)]
  }
  assert.deepEqual(forms('"Ann" <a@x.org>'), ['Ann <a@x.org>', 'Ann <a@x.org>'])
  assert.deepEqual(forms('Dr. Ann <a@x.org>'), ['"Dr. Ann" <a@x.org>', '"Dr. Ann" <a@x.org>'])
  assert.deepEqual(forms('"A \\"B\\"" <a@x.org>'), ['"A \\"B\\"" <a@x.org>', '"A \\"B\\"" <a@x.org>'])
  assert.deepEqual(forms('Jörg <j@x.org>'), ['"Jörg" <j@x.org>', '=?UTF-8?Q?J=C3=B6rg?= <j@x.org>'])
  assert.deepEqual(forms('=?UTF-8?Q?J=C3=B6rg?= <j@x.org>'), [
    '=?UTF-8?Q?J=C3=B6rg?= <j@x.org>',
    '=?UTF-8?Q?J=C3=B6rg?= <j@x.org>',
  ])
  assert.deepEqual(forms('"a b"@x.org'), ['<"a b"@x.org>', '<"a b"@x.org>'])
  assert.equal(forms('"A\r\nBcc: b@x.org" <a@x.org>')[1], '"A Bcc: b@x.org" <a@x.org>')
})

test('SMTP paths are read with and without brackets', () => {
  const path = (argument: string) => {
    const result = parsePath(argument)
    return result === null || result === undefined ? result : result.address
  }
  assert.equal(path('<>'), null)
  assert.equal(path('<a@x.org>'), 'a@x.org')
  assert.equal(path(' a@x.org'), 'a@x.org')
  assert.equal(path('<"a>b"@x.org>'), '"a>b"@x.org')
  for (const bad of [
    '',
    '< >',
    '<a>',
    '<a@x.org',
    'a@x.org>',
    '<a@x.org> x',
    'Ann <a@x.org>',
    '<@y.org:a@x.org>',
    '<a@b@x.org>',
    '<jörg@x.org>',
  ]) {
    assert.equal(path(bad), undefined, bad)
  }
})

test('Colons and at signs in a quoted local part have words of their own at the SMTP endpoint', () => {
  const error = (text: string) => {
    const mailbox = parsePath(text)
    return mailbox === null || mailbox === undefined ? mailbox : userNameError(mailbox)
  }
  assert.equal(error('<"re:ceiver"@x.org>'), `Address contains illegal characters in user name: '<"re:ceiver"@x.org>'.`)
  assert.equal(error('<"re@ceiver"@x.org>'), `Address contains illegal characters in user name: '<"re@ceiver"@x.org>'.`)
  assert.equal(error('<"re;ceiver"@x.org>'), null)
})

const addressText = fc.string({ unit: fc.constantFrom(...'ab.@<>()[]",;:\\ \t\r\né=?'), maxLength: 60 })

test('No text makes the readers throw, and what they read can be read again', () => {
  fc.assert(
    fc.property(fc.oneof(addressText, fc.string({ unit: 'binary' })), (text) => {
      parsePath(text)
      const list = parseMailboxList(text)
      const one = parseMailbox(text)
      if (!one.ok) return
      assert.deepEqual(parseMailbox(one.value.text), one)
      const again = parseMailbox(headerForm(one.value))
      assert.ok(again.ok)
      assert.equal(again.value.address, one.value.address)
      assert.ok(list.ok && list.value.length === 1)
    }),
    { numRuns: 2000 },
  )
})

test('Hostile texts of 50 kB are read in linear time', () => {
  const units = [
    'a',
    '"',
    '(',
    ')',
    '<',
    '[',
    ',',
    ':',
    ';',
    '\\',
    '"a" ',
    '(a)',
    '<a>',
    '@[',
    'a:;',
    '=?',
    '=?a?q?',
    '(\\',
    '\\"',
    ' ',
  ]
  for (const unit of units) {
    const text = unit.repeat(50_000 / unit.length)
    for (const hostile of [text, `a@b ${text}`, `"${text}" <a@b>`, `${text} <a@b>`, `<${text}`]) {
      parseMailbox(hostile)
      parseMailboxList(hostile)
      parsePath(hostile)
    }
  }
})
