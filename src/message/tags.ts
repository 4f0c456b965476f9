/** Message tags and list management, as SES reads them from calls and from X-SES-… headers. */

type Tag = { readonly name: string; readonly value: string }

/** Recorded: 255, although the guide says 256. */
const MAX_TAG = 255

/** Tags that SES itself reads, with a colon that no other name may have. */
const SES_OWN: ReadonlySet<string> = new Set(['ses:feedback-id-a', 'ses:feedback-id-b'])

/**
 * SES's refusal of the tags, or null; the texts, their uneven spaces included, are recorded from AWS. All names are
 * judged before any value.
 */
export function tagError(tags: readonly Tag[]): string | null {
  return firstError(tags, ({ name }) => nameError(name)) ?? firstError(tags, ({ value }) => valueError(value))
}

function firstError(tags: readonly Tag[], errorOf: (tag: Tag) => string | null): string | null {
  for (const tag of tags) {
    const error = errorOf(tag)
    if (error !== null) return error
  }
  return null
}

function nameError(name: string): string | null {
  if (name === '') return 'The tag name must be specified.'
  if (name.length > MAX_TAG) return `Tag name cannot exceed ${MAX_TAG} characters.`
  if (/^[A-Za-z0-9_-]+$/.test(name) || SES_OWN.has(name)) return null
  return `Invalid tag name <${name}>: only alphanumeric ASCII characters, '_',  '-' are allowed.`
}

function valueError(value: string): string | null {
  if (value === '') return 'The tag value must be specified.'
  if (value.length > MAX_TAG) return `Tag value cannot exceed ${MAX_TAG} characters.`
  if (/^[A-Za-z0-9_.@-]+$/.test(value)) return null
  return `Invalid tag value <${value}>: only alphanumeric ASCII characters, '_',  '-' , '.', '@' are allowed.`
}

/** `X-SES-MESSAGE-TAGS: name1=value1, name2=value2`. Nothing is judged here: what has no `=` is a name without a value. */
export function parseTagsHeader(value: string): readonly Tag[] {
  const tags: Tag[] = []
  for (const item of value.split(',')) {
    if (item.trim() === '') continue
    const equals = item.indexOf('=')
    if (equals < 0) tags.push({ name: item.trim(), value: '' })
    else tags.push({ name: item.slice(0, equals).trim(), value: item.slice(equals + 1).trim() })
  }
  return tags
}

/** `X-SES-LIST-MANAGEMENT-OPTIONS: contactListName; topic=topicName`; null: no list is named. */
export function parseListManagementHeader(value: string): { contactListName: string; topicName: string | null } | null {
  const [list = '', ...options] = value.split(';')
  const contactListName = list.trim()
  if (contactListName === '') return null
  for (const option of options) {
    const equals = option.indexOf('=')
    if (option.slice(0, Math.max(0, equals)).trim().toLowerCase() !== 'topic') continue
    const topicName = option.slice(equals + 1).trim()
    return { contactListName, topicName: topicName === '' ? null : topicName }
  }
  return { contactListName, topicName: null }
}
