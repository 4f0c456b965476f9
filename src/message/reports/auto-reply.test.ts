import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headerField } from '../headers.ts'
import { mayBeAnswered } from './auto-reply.ts'

function answered(sender: string, ...fields: readonly (readonly [string, string])[]): boolean {
  return mayBeAnswered(
    sender,
    fields.map(([name, value]) => headerField(name, value)),
  )
}

test('a bounce goes to people, and to nobody who could answer it', () => {
  assert.equal(answered('ann@example.org', ['From', 'Ann <ann@example.org>'], ['Subject', 'Out of office ideas']), true)
  assert.equal(answered('ann@example.org', ['Auto-Submitted', 'no'], ['Precedence', 'first-class']), true)
  for (const sender of [
    '',
    'MAILER-DAEMON',
    'Mailer-Daemon@example.org',
    'postmaster@example.org',
    'double-bounce@x.org',
  ]) {
    assert.equal(answered(sender), false, sender)
  }
  for (const field of [
    ['Auto-Submitted', 'auto-generated'],
    ['auto-submitted', 'auto-replied (rejected)'],
    ['Precedence', 'Bulk'],
    ['Precedence', 'list'],
    ['List-Id', '<x>'],
    ['X-Auto-Response-Suppress', 'DR, OOF, AutoReply'],
    ['X-Auto-Response-Suppress', 'All'],
    ['X-Autoreply', 'yes'],
    ['Return-Path', '<>'],
    ['Content-Type', 'multipart/report; report-type=delivery-status'],
  ] as const) {
    assert.equal(answered('ann@example.org', field), false, field.join(': '))
  }
})
