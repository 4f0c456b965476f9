/** What a test wants of a message: its links and its one-time codes. Rules of thumb, in linear time, over hostile text. */
import { anchors, visibleText } from './html-text.ts'

const MAX_TEXT = 1_000_000
const MAX_LINKS = 500
const MAX_CODES = 50
const MAX_URL = 8192

/** The http and https links: of the text, in order, then those that only the HTML has. Each once. */
export function extractLinks(text: string | null, html: string | null): string[] {
  const links = new Set<string>()
  if (text !== null) for (const url of urlsIn(text.slice(0, MAX_TEXT))) add(links, url)
  if (html !== null) {
    const page = html.slice(0, MAX_TEXT)
    for (const url of anchors(page)) add(links, url)
    if (links.size === 0) for (const url of urlsIn(visibleText(page))) add(links, url)
  }
  return [...links]
}

function add(links: Set<string>, url: string): void {
  if (links.size < MAX_LINKS && url.length <= MAX_URL && /^https?:\/\//i.test(url) && URL.canParse(url)) links.add(url)
}

/** URLs of plain text: up to white space, a quote or an angle bracket, without the punctuation of the sentence. */
function urlsIn(text: string): string[] {
  return Array.from(text.matchAll(/https?:\/\/[^\s<>"']+/gi), ([url]) => withoutPunctuation(url))
}

function withoutPunctuation(url: string): string {
  // A closing parenthesis belongs to the URL when one was opened in it.
  const punctuation = url.includes('(') ? '.,;:!?]}*_' : '.,;:!?]}*_)'
  let end = url.length
  while (end > 0 && punctuation.includes(url.charAt(end - 1))) end--
  return url.slice(0, end)
}

/** Words that announce a code, in the languages that we thought of. */
const ANNOUNCEMENT =
  /\b(?:codes?|passcode|otp|pin|verification|verify|verifying|one-time|token|2fa|mfa|c[oó]digo|codice|kod|kode)\b|code|验证码|驗證碼|認証|確認コード|인증/giu

type Candidate = {
  readonly code: string
  readonly at: number
  readonly end: number
  /** A lone figure: year, price, count. */ readonly isVague: boolean
}

const BEFORE = String.raw`(?<![\p{L}\p{N}_.,:/$€£#@+-])`
const AFTER = String.raw`(?![\p{L}\p{N}_%€£@]|[.,:/-]\p{N})`

const FIGURES = new RegExp(`${BEFORE}[0-9]{4,8}${AFTER}`, 'gu')
const HALVES = new RegExp(`${BEFORE}[0-9]{3}[- ][0-9]{3}${AFTER}(?! [0-9])`, 'gu')
const APART = new RegExp(`${BEFORE}[0-9](?:[ \\n][0-9]){3,7}${AFTER}(?![ \\n][0-9])`, 'gu')
const PREFIXED = new RegExp(`${BEFORE}[A-Z]{1,3}-([0-9]{4,8})${AFTER}`, 'gu')
const LETTERS = new RegExp(`${BEFORE}(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{5,10}${AFTER}`, 'gu')
const GROUPS = new RegExp(`${BEFORE}[A-Z0-9]{4}-[A-Z0-9]{4}${AFTER}`, 'gu')

/**
 * What looks like a one-time code, the likeliest first: `123456`, `123-456` and `1 2 3 4 5 6` (without what parts them),
 * `G-123456` (without its prefix), `A1B2C3`, `ABCD-1234`. All but six figures must stand near a word that announces them.
 */
export function extractCodes(text: string | null, html: string | null): string[] {
  const source = text ?? (html === null ? '' : visibleText(html.slice(0, MAX_TEXT)))
  const plain = source
    .slice(0, MAX_TEXT)
    .replace(/https?:\/\/\S+/gi, (url) => ' '.repeat(url.length))
    .replaceAll('\r', '')
  const announcements = Array.from(plain.matchAll(ANNOUNCEMENT), ({ index }) => index)
  const near = new Set<string>()
  const others = new Set<string>()
  let next = 0
  for (const candidate of candidates(plain)) {
    if (near.size >= MAX_CODES || others.size >= MAX_CODES) break
    while ((announcements[next] ?? Infinity) <= candidate.at) next++
    if (isAnnounced(plain, candidate, announcements[next - 1], announcements[next])) near.add(candidate.code)
    else if (/^[0-9]{6}$/.test(candidate.code)) others.add(candidate.code)
  }
  return [...near.union(others)]
}

function candidates(text: string): Candidate[] {
  const found: Candidate[] = []
  const take = (pattern: RegExp, codeOf: (match: RegExpExecArray) => string, isVague: boolean) => {
    for (const match of text.matchAll(pattern)) {
      found.push({ code: codeOf(match), at: match.index, end: match.index + match[0].length, isVague })
    }
  }
  take(FIGURES, ([code]) => code, true)
  take(HALVES, ([code]) => code.replace(/[- ]/, ''), false)
  take(APART, ([code]) => code.replace(/[ \n]/g, ''), false)
  take(PREFIXED, ([, code = '']) => code, false)
  take(LETTERS, ([code]) => code, false)
  take(GROUPS, ([code]) => (/[0-9]/.test(code) && /[A-Z]/.test(code) ? code : ''), false)
  return found.filter(({ code }) => code !== '').toSorted((a, b) => a.at - b.at)
}

/** Whether the word before is near enough, or the word after in the same sentence (`123456 is your code`). */
function isAnnounced(
  text: string,
  { code, at, end, isVague }: Candidate,
  before = -Infinity,
  after = Infinity,
): boolean {
  const reach = isVague && /^(?:19|20)[0-9]{2}$/.test(code) ? 30 : 120
  return at - before <= reach || (after - end <= 40 && !/[.!?\n]/.test(text.slice(end, after)))
}
