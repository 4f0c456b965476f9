import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Reader } from '../src/smtp/reader.ts'
import { stuff } from '../src/delivery/stuffing.ts'

const onWire = (message: string) => Buffer.concat(stuff(Buffer.from(message, 'latin1')).pieces).toString('latin1')

describe('a message on the wire', () => {
  const rows: [string, string, string][] = [
    ['ends with a dot of its own line', 'a\r\n', 'a\r\n.\r\n'],
    ['gets the line end that it lacks', 'a', 'a\r\n.\r\n'],
    ['may be empty', '', '.\r\n'],
    ['has dots at the start of a line doubled', '.a\r\n..\r\n.\r\nb.\r\n', '..a\r\n...\r\n..\r\nb.\r\n.\r\n'],
    ['has no lone LF', 'a\nb\n', 'a\r\nb\r\n.\r\n'],
    ['has no lone CR', 'a\rb\r', 'a\r\nb\r\n.\r\n'],
    ['has no dot that somebody could take for the end', 'a\n.\nb\r.\rc\r\n', 'a\r\n..\r\nb\r\n..\r\nc\r\n.\r\n'],
    ['keeps CR CR LF apart', 'a\r\r\n.\r\n', 'a\r\n\r\n..\r\n.\r\n'],
  ]
  for (const [name, message, wire] of rows) test(name, () => assert.equal(onWire(message), wire))

  test('is read by a strict server as the message with canonical line ends', () => {
    const octets = fc.array(fc.constantFrom('\r', '\n', '.', 'a', '\r\n', '\r\n.'), { maxLength: 40 })
    fc.assert(
      fc.property(octets, (parts) => {
        const message = parts.join('')
        const canonical = message.replaceAll(/\r\n|\r|\n/g, '\r\n')
        const wanted = canonical === '' || canonical.endsWith('\r\n') ? canonical : `${canonical}\r\n`
        const reader = new Reader()
        reader.startMessage(1_000_000)
        reader.push(Buffer.from(`${onWire(message)}QUIT\r\n`, 'latin1'))
        const event = reader.next()
        assert.ok(event?.kind === 'message', JSON.stringify(event))
        assert.equal(event.data.toString('latin1'), wanted)
        assert.deepEqual(reader.next(), { kind: 'line', text: 'QUIT' })
      }),
      { numRuns: 2000 },
    )
  })

  test('has the size that it has without the dots for the way', () => {
    assert.equal(stuff(Buffer.from('.a\nb\n.')).size, '.a\r\nb\r\n.\r\n'.length)
    assert.equal(stuff(Buffer.from('')).size, 0)
  })

  test('shares the octets of the message where nothing changes', () => {
    const message = Buffer.from('a\r\nb\r\n')
    assert.equal(stuff(message).pieces[0]?.buffer, message.buffer)
  })
})
