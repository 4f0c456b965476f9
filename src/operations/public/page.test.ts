import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { page } from './page.ts'

test('title and text are escaped', () => {
  const { status, body } = page(200, { title: '<script>', text: `"&'` })
  assert.equal(status, 200)
  assert.ok(typeof body === 'string')
  assert.match(body, /<title>&lt;script&gt;<\/title>/)
  assert.match(body, /<p>&quot;&amp;&#39;<\/p>/)
})

test('a page may load nothing, and its one style is allowed by its hash', () => {
  const { headers = {}, body } = page(200, { title: 'T', text: 't' })
  assert.ok(typeof body === 'string')
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(body) ?? []
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = headers['content-security-policy'] ?? ''
  assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${hash}'`), policy)
  assert.doesNotMatch(body, /https?:|src=|href=/)
  assert.equal(headers['referrer-policy'], 'no-referrer')
})
