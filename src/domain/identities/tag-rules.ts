/** Limits on the tags of a resource (SES API v2: Tag; "Tagging your AWS resources"). */
import { fail } from '../../errors/fail.ts'
import type { Tag } from '../../store/types.ts'

export const MOST_TAGS = 50
const LONGEST_KEY = 128
const LONGEST_VALUE = 256

/** Throws InvalidParameterValue for tags that no resource can have together. SES's words for these are not known. */
export function checkTags(tags: readonly Tag[]): void {
  for (const { key, value } of tags) {
    if (key === '') fail('InvalidParameterValue', 'The tag key must be specified.')
    if (key.length > LONGEST_KEY) fail('InvalidParameterValue', `Tag key cannot exceed ${LONGEST_KEY} characters.`)
    if (value.length > LONGEST_VALUE)
      fail('InvalidParameterValue', `Tag value cannot exceed ${LONGEST_VALUE} characters.`)
  }
  const keys = tags.map(({ key }) => key)
  const reserved = keys.find((key) => key.toLowerCase().startsWith('aws:'))
  if (reserved !== undefined) fail('InvalidParameterValue', `Tag key ${reserved} begins with aws:, which is reserved.`)
  const repeated = keys.find((key, index) => keys.indexOf(key) !== index)
  if (repeated !== undefined) fail('InvalidParameterValue', `Tag key ${repeated} is given more than once.`)
  checkCount(tags)
}

function checkCount(tags: readonly Tag[]): void {
  if (tags.length > MOST_TAGS) fail('InvalidParameterValue', `A resource can have at most ${MOST_TAGS} tags.`)
}

/** The tags after `added` were set: a key that is there gets the new value. Throws where there would be too many. */
export function merged(present: readonly Tag[], added: readonly Tag[]): readonly Tag[] {
  const tags = new Map(present.map((tag) => [tag.key, tag]))
  for (const tag of added) tags.set(tag.key, tag)
  const all = [...tags.values()]
  checkCount(all)
  return all
}

export function without(present: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  return present.filter(({ key }) => !keys.includes(key))
}
