import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containsEicar } from './eicar.ts'
import { splitMessage } from './headers.ts'
import { encodeBase64, encodeQuotedPrintable } from './transfer-encoding.ts'

const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('')

const attached = (encoding: string, content: string | Buffer) =>
  Buffer.from(
    `From: a@x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: text/plain; name=sample.txt\r\n` +
      `Content-Transfer-Encoding: ${encoding}\r\n\r\n${content.toString()}\r\n--b--\r\n`,
  )

function isInfected(raw: Buffer): boolean {
  const message = splitMessage(raw)
  assert.ok(message.ok)
  return containsEicar(message.value)
}

test('The test file is found as it is and in every transfer encoding', () => {
  assert.ok(isInfected(Buffer.from(`Subject: x\r\n\r\n${EICAR}`)))
  assert.ok(isInfected(attached('7bit', EICAR)))
  assert.ok(isInfected(attached('BASE64', encodeBase64(Buffer.from(EICAR)))))
  assert.ok(isInfected(attached('base64', encodeBase64(Buffer.from(`xy${EICAR}`)))))
  assert.ok(
    isInfected(attached('Quoted-Printable', encodeQuotedPrintable(Buffer.from(`=${'x'.repeat(50)}${EICAR}`), true))),
  )
})

test('It is found in an attached message too', () => {
  const inner = attached('base64', encodeBase64(Buffer.from(EICAR))).toString()
  const outer = `Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--c--\r\n`
  assert.ok(isInfected(Buffer.from(outer)))
})

test('Other mail has none', () => {
  assert.ok(!isInfected(Buffer.from('')))
  assert.ok(!isInfected(attached('base64', encodeBase64(Buffer.from('EICAR')))))
  assert.ok(!isInfected(attached('7bit', encodeBase64(Buffer.from(EICAR)))))
})
