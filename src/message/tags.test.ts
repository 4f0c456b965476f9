import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseListManagementHeader, parseTagsHeader, tagError } from './tags.ts'

test('Tags are refused in the words that AWS was recorded with', () => {
  const cases: [name: string, value: string, error: string | null][] = [
    ['', '', 'The tag name must be specified.'],
    ['', 'test', 'The tag name must be specified.'],
    ['test', '', 'The tag value must be specified.'],
    ['a'.repeat(255), 'test', null],
    ['a'.repeat(256), 'test', 'Tag name cannot exceed 255 characters.'],
    ['test', 'a'.repeat(255), null],
    ['test', 'a'.repeat(256), 'Tag value cannot exceed 255 characters.'],
    [
      'test_invalid_name:123',
      'test',
      "Invalid tag name <test_invalid_name:123>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
    ],
    [
      'test',
      'test_invalid_value:123',
      "Invalid tag value <test_invalid_value:123>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are allowed.",
    ],
    [
      'test_invalid_name:123',
      'test_invalid_value:123',
      "Invalid tag name <test_invalid_name:123>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
    ],
    [
      'test_invalid_name:123',
      'a'.repeat(256),
      "Invalid tag name <test_invalid_name:123>: only alphanumeric ASCII characters, '_',  '-' are allowed.",
    ],
    ['a.b', 'x', "Invalid tag name <a.b>: only alphanumeric ASCII characters, '_',  '-' are allowed."],
    ['A-b_9', 'a.b@c-d_e', null],
    ['ses:feedback-id-a', 'x', null],
    ['ses:feedback-id-b', 'x', null],
    ['ses:other', 'x', "Invalid tag name <ses:other>: only alphanumeric ASCII characters, '_',  '-' are allowed."],
    ['a\n', 'x', "Invalid tag name <a\n>: only alphanumeric ASCII characters, '_',  '-' are allowed."],
    ['é', 'x', "Invalid tag name <é>: only alphanumeric ASCII characters, '_',  '-' are allowed."],
  ]
  for (const [name, value, error] of cases) assert.equal(tagError([{ name, value }]), error, `${name}=${value}`)
  assert.equal(tagError([]), null)
})

test('The names of all tags are judged before any value', () => {
  assert.equal(
    tagError([
      { name: 'a', value: '' },
      { name: '', value: 'x' },
    ]),
    'The tag name must be specified.',
  )
})

test('The tags header is a list of names and values', () => {
  assert.deepEqual(parseTagsHeader('campaign=book, type = a=b,,flag,'), [
    { name: 'campaign', value: 'book' },
    { name: 'type', value: 'a=b' },
    { name: 'flag', value: '' },
  ])
  assert.deepEqual(parseTagsHeader(' '), [])
})

test('The list management header names a list, and perhaps a topic', () => {
  assert.deepEqual(parseListManagementHeader('news; topic=sports'), { contactListName: 'news', topicName: 'sports' })
  assert.deepEqual(parseListManagementHeader(' news ;Topic = sports ; x'), {
    contactListName: 'news',
    topicName: 'sports',
  })
  assert.deepEqual(parseListManagementHeader('news'), { contactListName: 'news', topicName: null })
  assert.deepEqual(parseListManagementHeader('news; topic='), { contactListName: 'news', topicName: null })
  assert.deepEqual(parseListManagementHeader('news; other=x'), { contactListName: 'news', topicName: null })
  assert.equal(parseListManagementHeader(''), null)
  assert.equal(parseListManagementHeader('; topic=x'), null)
})
