/** DNS records as people and name servers read them. */
import { textIn } from './reply.ts'

type View = Readonly<Record<string, unknown>>

export type Section = { readonly title: string; readonly isOperator: boolean; readonly records: readonly View[] }

/** Seconds: long enough to be kept, short enough for a mistake to pass within the hour. */
const TTL = 3600
/** RFC 1035 §3.3: octets of a character-string. */
const MAX_STRING = 255

/** A heading, then the records in columns, those for the same purpose under one line that tells it. */
export function asTable(sections: readonly Section[]): string {
  return sections
    .map(({ title, records }) => {
      const width = Math.max(0, ...records.map((each) => textIn(each, 'name').length))
      return `${title}\n${body(records, (each) => {
        const name = textIn(each, 'name').padEnd(width)
        return `  ${name}  ${textIn(each, 'type').padEnd(5)}  ${textIn(each, 'value')}`
      })}\n`
    })
    .join('')
}

/** Lines for the zone files of BIND and of all who read them (RFC 1035 §5.1). Names are whole, so any `$ORIGIN` will do. */
export function asZone(sections: readonly Section[]): string {
  const seen = new Set<string>()
  // A domain has a section for each region, and some of its records in all of them.
  const line = (record: View) => {
    const text = zoneLine(record)
    const isNew = !seen.has(text)
    seen.add(text)
    return isNew ? text : '; as above'
  }
  return sections.map(({ title, records }) => `; ${title}\n${body(records, line, '; ')}\n`).join('')
}

function body(records: readonly View[], line: (record: View) => string, mark = '  '): string {
  let purpose = ''
  let text = ''
  for (const record of records) {
    const own = `${textIn(record, 'why')} (${textIn(record, 'need')})`
    if (own !== purpose) text += `${mark}${own}:\n`
    purpose = own
    text += `${line(record)}\n`
  }
  return text
}

function zoneLine(record: View): string {
  const type = textIn(record, 'type')
  const name = textIn(record, 'name')
  // A selector is the owner's to choose: nothing that he writes may become a line of its own.
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return `; left out, for it is no name in DNS: ${JSON.stringify(name)}`
  const line = `${name}. ${TTL} IN ${type} ${zoneValue(type, textIn(record, 'value'))}`
  // They stand in the zones of others: of whoever gave the address, and the one above.
  return type === 'PTR' || type === 'NS' ? `; ${line}` : line
}

function zoneValue(type: string, value: string): string {
  if (type === 'TXT') return strings(value).map(quoted).join(' ')
  return type === 'A' || type === 'AAAA' ? value : `${value}.`
}

/** Our texts are ASCII, so that a letter is an octet. */
function strings(value: string): readonly string[] {
  return value.match(new RegExp(`[\\s\\S]{1,${MAX_STRING}}`, 'g')) ?? ['']
}

function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, (letter) => `\\${letter}`)}"`
}
