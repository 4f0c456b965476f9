import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { FALSE_ENDS } from '../../test/support/smtp.ts'
import { AUTH_LINE, Reader, type ReaderEvent } from './reader.ts'

const MAX = 5000

/** Everything that comes out of `chunks`, where the line `DATA` begins a message of at most `max` octets. */
function events(chunks: readonly (string | Buffer)[], max = MAX): ReaderEvent[] {
  const reader = new Reader()
  const seen: ReaderEvent[] = []
  for (const chunk of chunks) {
    reader.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk)
    for (let event = reader.next(); event; event = reader.next()) {
      seen.push(event)
      if (event.kind === 'line' && event.text === 'DATA') reader.startMessage(max)
    }
  }
  return seen
}

/** The same in words: `line NOOP`, `message 12 octets…`. */
function told(chunks: readonly (string | Buffer)[], max = MAX): string[] {
  return events(chunks, max).map((event) => {
    if (event.kind === 'line') return `line ${event.text}`
    if (event.kind === 'message') return `message ${JSON.stringify(event.data.toString('latin1'))}`
    return `${event.kind} ${event.fault}`
  })
}

const line = (text: string) => `line ${text}`

describe('command lines', () => {
  test('end with CRLF', () => {
    assert.deepEqual(told(['EHLO a\r\nNOOP\r\n\r\nQU']), [line('EHLO a'), line('NOOP'), line('')])
  })

  test('may come in any pieces', () => {
    assert.deepEqual(told(['EH', 'LO a\r', '\nNO', 'O', 'P', '\r', '\n']), [line('EHLO a'), line('NOOP')])
  })

  test('are UTF-8, also across pieces', () => {
    const octets = Buffer.from('MAIL FROM:<ü@é.example>\r\n')
    assert.deepEqual(told([...octets].map((octet) => Buffer.of(octet))), [line('MAIL FROM:<ü@é.example>')])
  })

  for (const [what, octets, fault] of [
    ['a lone LF', 'NOOP\nQUIT\r\n', 'bare-lf'],
    ['a lone CR', 'NOOP\rQUIT\r\n', 'bare-cr'],
    ['CR CR LF', 'NOOP\r\r\nQUIT\r\n', 'bare-cr'],
    ['NUL', 'NO\0OP\r\nQUIT\r\n', 'nul'],
  ] as const) {
    test(`with ${what} are refused, and nothing after them is read`, () => {
      assert.deepEqual(told(['RSET\r\n', octets, 'NOOP\r\n']), [line('RSET'), `bad-line ${fault}`])
    })
  }

  test('may have 2048 octets with CRLF, not one more; the line after is read again', () => {
    const fits = 'x'.repeat(2046)
    assert.deepEqual(told([`${fits}\r\nNOOP\r\n`]), [line(fits), line('NOOP')])
    assert.deepEqual(told([`x${fits}\r\nNOOP\r\n`]), ['bad-line long-line', line('NOOP')])
  })

  test('of AUTH may have 12288 octets', () => {
    const fits = `auth PLAIN ${'x'.repeat(AUTH_LINE - 13)}`
    assert.deepEqual(told([`${fits}\r\nNOOP\r\n`]), [line(fits), line('NOOP')])
    assert.deepEqual(told([`${fits}x\r\nNOOP\r\n`]), ['bad-line long-line', line('NOOP')])
  })

  test('are as long as AUTH lines while the session says so', () => {
    const reader = new Reader()
    const answer = 'x'.repeat(4000)
    reader.limitLines(AUTH_LINE)
    reader.push(Buffer.from(`${answer}\r\n`))
    assert.deepEqual(reader.next(), { kind: 'line', text: answer })
    reader.limitLines()
    reader.push(Buffer.from(`${answer}\r\n`))
    assert.deepEqual(reader.next(), { kind: 'bad-line', fault: 'long-line' })
  })

  test('without an end cost no memory', () => {
    const reader = new Reader()
    for (let i = 0; i < 100; i++) {
      reader.push(Buffer.alloc(65_536, 'x'))
      if (i === 0) assert.deepEqual(reader.next(), { kind: 'bad-line', fault: 'long-line' })
      assert.equal(reader.next(), undefined)
      assert.equal(reader.unread, 0)
    }
  })
})

test('octets that wait in many small pieces are read all the same', () => {
  const reader = new Reader()
  for (const octet of Buffer.from('NOOP\r\n'.repeat(100))) reader.push(Buffer.of(octet))
  assert.equal(reader.unread, 600)
  for (let i = 0; i < 100; i++) assert.deepEqual(reader.next(), { kind: 'line', text: 'NOOP' })
  assert.equal(reader.next(), undefined)
  assert.equal(reader.unread, 0)
})

describe('messages', () => {
  test('end with CRLF . CRLF and keep the CRLF before it', () => {
    assert.deepEqual(told(['DATA\r\na\r\n\r\nb\r\n.\r\nNOOP\r\n']), [
      line('DATA'),
      'message "a\\r\\n\\r\\nb\\r\\n"',
      line('NOOP'),
    ])
  })

  test('may be empty', () => {
    assert.deepEqual(told(['DATA\r\n', '.\r\n']), [line('DATA'), 'message ""'])
  })

  test('lose the dot that was added for transparency, and no other', () => {
    assert.deepEqual(told(['DATA\r\n..\r\n...a\r\n.b.\r\nc.\r\n.\r\n']), [
      line('DATA'),
      'message ".\\r\\n..a\\r\\nb.\\r\\nc.\\r\\n"',
    ])
  })

  test('keep every octet but CR, LF and NUL as it is', () => {
    const octets = Buffer.from(Array.from({ length: 256 }, (_, i) => i).filter((i) => ![0, 10, 13].includes(i)))
    const [, message] = events(['DATA\r\n', Buffer.concat([octets, Buffer.from('\r\n.\r\n')])])
    assert.deepEqual(message, { kind: 'message', data: Buffer.concat([octets, Buffer.from('\r\n')]) })
  })

  test('may have lines of 998 octets, the added dot and CRLF not counted', () => {
    const text = `.${'x'.repeat(997)}`
    assert.deepEqual(told([`DATA\r\n.${text}\r\n.\r\n`]), [line('DATA'), `message "${text}\\r\\n"`])
    assert.deepEqual(told([`DATA\r\n.${text}x\r\n.\r\nNOOP\r\n`]), [
      line('DATA'),
      'bad-message long-line',
      line('NOOP'),
    ])
  })

  test('with NUL are read to the end and refused', () => {
    assert.deepEqual(told(['DATA\r\na\0b\r\n.\r\nNOOP\r\n']), [line('DATA'), 'bad-message nul', line('NOOP')])
  })

  test('may be as large as the limit; larger ones are read to the end, not kept, and refused', () => {
    const text = `${'x'.repeat(98)}\r\n`.repeat(MAX / 100)
    assert.deepEqual(told([`DATA\r\n${text}.\r\n`]), [line('DATA'), `message ${JSON.stringify(text)}`])
    assert.deepEqual(told([`DATA\r\n${text}\r\n.\r\nNOOP\r\n`]), [line('DATA'), 'bad-message too-large', line('NOOP')])
    const reader = new Reader()
    reader.startMessage(MAX)
    for (let i = 0; i < 100; i++) {
      reader.push(Buffer.from(text.slice(0, 500)))
      reader.next()
      assert.ok(reader.held <= MAX)
    }
  })

  test('that do not end within twice their limit are the last thing that is read', () => {
    const seen = told(['DATA\r\n', ...Array.from({ length: 20 }, () => 'x'.repeat(10_000)), '\r\n.\r\nNOOP\r\n'])
    assert.deepEqual(seen, [line('DATA'), 'bad-message endless'])
  })

  test('that are refused for want of room are read to their end', () => {
    const reader = new Reader()
    reader.startMessage(MAX)
    reader.push(Buffer.from('abc\r\n'))
    assert.equal(reader.next(), undefined)
    assert.equal(reader.held, 5)
    reader.refuse()
    assert.equal(reader.held, 0)
    reader.push(Buffer.from('def\r\n.\r\nNOOP\r\n'))
    assert.deepEqual(reader.next(), { kind: 'bad-message', fault: 'no-room' })
    assert.deepEqual(reader.next(), { kind: 'line', text: 'NOOP' })
  })
})

describe('smuggling', () => {
  const smuggled = 'MAIL FROM:<admin@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nforged\r\n.\r\n'

  for (const [name, end] of Object.entries(FALSE_ENDS)) {
    test(`${name} lets no second message through, wherever the octets are cut`, () => {
      const octets = Buffer.from(`DATA\r\nSubject: a\r\n\r\ntext${end}${smuggled}NOOP\r\n`, 'latin1')
      const whole = told([octets])
      for (let cut = 1; cut < octets.length; cut++) {
        assert.deepEqual(told([octets.subarray(0, cut), octets.subarray(cut)]), whole)
      }
      assert.deepEqual(told([...octets].map((octet) => Buffer.of(octet))), whole)
      assert.equal(whole.filter((event) => event === line('DATA')).length, 1)
      assert.ok(!whole.some((event) => event.includes('line MAIL') || event === 'message "forged\\r\\n"'))
    })
  }
})

test('how the octets are cut never changes what is read', () => {
  const ends = ['\r', '\n', '\0', '.', '\r\n', '\r\n.\r\n', '.\r\n', 'DATA\r\n', 'NOOP\r\n', 'AUTH ', 'a', 'é']
  const runs = [997, 998, 2040, 12_270].map((length) => 'x'.repeat(length))
  const piece = fc.constantFrom(...ends, ...runs)
  const cuts = fc.array(fc.nat({ max: 40_000 }), { maxLength: 20 })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), cuts, fc.constantFrom(3, 900, 5000), (pieces, places, max) => {
      const octets = Buffer.from(`DATA\r\n${pieces.join('')}`, 'latin1')
      const sorted = [0, ...places.map((place) => place % (octets.length + 1)), octets.length].toSorted((a, b) => a - b)
      const chunks = sorted.slice(1).map((to, i) => octets.subarray(sorted[i], to))
      assert.deepEqual(told(chunks, max), told([octets], max))
    }),
    { numRuns: 500 },
  )
})

test('whatever is sent as a message in proper form arrives', () => {
  const text = fc.array(fc.string({ unit: fc.constantFrom('.', 'a', ' ', '\t', 'ÿ'), maxLength: 30 }), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(text, (lines) => {
      const sent = lines.map((each) => `${each.startsWith('.') ? '.' : ''}${each}\r\n`).join('')
      const data = Buffer.from(lines.map((each) => `${each}\r\n`).join(''), 'latin1')
      const [, message] = events([`DATA\r\n${sent}.\r\n`])
      assert.deepEqual(message, { kind: 'message', data })
    }),
  )
})
