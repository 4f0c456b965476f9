/** HTML read for its text and its links only: one pass, no tree, nothing run. */

const MAX_LINES = 100_000

type Tag = { readonly name: string; readonly attributes: string; readonly end: number }

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
  ['copy', '©'],
])

/** Elements between whose text nothing stands when they are shown; all others part words. */
const INLINE: ReadonlySet<string> = new Set(
  'a abbr b bdi bdo big cite code em font i kbd mark q s samp small span strike strong sub sup tt u wbr'.split(' '),
)

/** Elements whose content is no text, and how each ends. */
const HIDDEN: ReadonlyMap<string, RegExp> = new Map(
  ['script', 'style', 'title', 'template'].map((name): [string, RegExp] => [name, new RegExp(`</${name}`, 'gi')]),
)

/** Where `<a>` and `<area>` lead to, in order, character references undone. */
export function anchors(html: string): string[] {
  const found: string[] = []
  for (let at = html.indexOf('<'); at >= 0;) {
    const tag = readTag(html, at)
    if (tag !== null && (tag.name === 'a' || tag.name === 'area')) {
      const href = attribute(tag.attributes, 'href')
      if (href !== null) found.push(decodeEntities(href).trim())
    }
    at = html.indexOf('<', tag === null ? at + 1 : tag.end)
  }
  return found
}

/** What a reader sees, more or less. Blocks, cells and line breaks come out as line ends. */
export function visibleText(html: string): string {
  let text = ''
  let from = 0
  for (let at = html.indexOf('<'); at >= 0; at = html.indexOf('<', from)) {
    text += html.slice(from, at)
    const tag = readTag(html, at)
    if (tag === null) {
      text += '<'
      from = at + 1
      continue
    }
    if (!INLINE.has(tag.name.replace('/', ''))) text += '\n'
    from = endOfHidden(html, tag)
  }
  const lines = decodeEntities(text + html.slice(from)).split('\n', MAX_LINES)
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')
}

/** The tag or comment at `<`; null: it is a mere character. A tag that is never closed reaches to the end. */
function readTag(html: string, at: number): Tag | null {
  if (html.startsWith('<!--', at)) {
    const close = html.indexOf('-->', at + 4)
    return { name: '!', attributes: '', end: close < 0 ? html.length : close + 3 }
  }
  if (!/[A-Za-z/!?]/.test(html.charAt(at + 1))) return null
  let quote = ''
  let end = at + 1
  for (; end < html.length; end++) {
    const c = html.charAt(end)
    if (quote !== '') {
      if (c === quote) quote = ''
    } else if (c === '>') break
    else if ((c === '"' || c === "'") && html.charAt(end - 1) === '=') quote = c
  }
  const inside = html.slice(at + 1, end)
  const space = inside.search(/[\s]/)
  const name = (space < 0 ? inside : inside.slice(0, space)).toLowerCase()
  return { name, attributes: space < 0 ? '' : inside.slice(space), end: Math.min(html.length, end + 1) }
}

/** Where reading goes on: behind the tag, or at the end tag of an element that is not shown (for want of one, nowhere). */
function endOfHidden(html: string, tag: Tag): number {
  const closing = HIDDEN.get(tag.name)
  if (closing === undefined) return tag.end
  closing.lastIndex = tag.end
  return closing.exec(html)?.index ?? html.length
}

/** The value of an attribute, in quotes or not; null: the tag has it not. */
function attribute(attributes: string, name: string): string | null {
  for (let at = 0; at < attributes.length;) {
    const nameEnd = endOf(NAME, attributes, at)
    const equals = endOf(SPACE, attributes, nameEnd)
    if (attributes.charAt(equals) !== '=') {
      at = Math.max(equals, at + 1)
      continue
    }
    const start = endOf(SPACE, attributes, equals + 1)
    const quote = attributes.charAt(start)
    const isQuoted = quote === '"' || quote === "'"
    const close = isQuoted ? attributes.indexOf(quote, start + 1) : endOf(BARE, attributes, start)
    const end = close < 0 ? attributes.length : close
    if (attributes.slice(at, nameEnd).toLowerCase() === name) return attributes.slice(isQuoted ? start + 1 : start, end)
    at = endOf(SPACE, attributes, isQuoted ? end + 1 : end)
  }
  return null
}

const NAME = /[^\s=>"'/]*/y
const SPACE = /[\s/]*/y
const BARE = /[^\s"'>]*/y

function endOf(run: RegExp, text: string, at: number): number {
  run.lastIndex = at
  return at + (run.exec(text)?.[0].length ?? 0)
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,6}));/g, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return ENTITIES.get(name.toLowerCase()) ?? whole
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
}
