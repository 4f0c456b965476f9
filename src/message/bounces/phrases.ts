/**
 * Finds many phrases in one text at once. Nothing is ever tried twice: a walk begins at each word and follows a tree for at
 * most {@link MAX_PHRASE_WORDS} words, so that no text, whoever wrote it, takes more than a fixed time a word.
 */

export const MAX_PHRASE_WORDS = 8
/** More than any server says; the rest is not looked at. */
const MAX_TEXT = 4096

type Node = {
  readonly next: Map<string, Node>
  /** The phrase that ends here, or −1. */
  phrase: number
}

export type Phrases = {
  /** The phrases that occur in `text`, by their position in the list, and how many steps of the tree it took. */
  readonly find: (text: string) => { readonly found: ReadonlySet<number>; readonly steps: number }
}

/** Makes a finder of `phrases`: words between single spaces, in lower case, at most {@link MAX_PHRASE_WORDS}. */
export function compilePhrases(phrases: readonly string[]): Phrases {
  const root: Node = { next: new Map(), phrase: -1 }
  for (const [index, phrase] of phrases.entries()) {
    let node = root
    for (const word of phrase.split(' ')) {
      let next = node.next.get(word)
      if (next === undefined) node.next.set(word, (next = { next: new Map(), phrase: -1 }))
      node = next
    }
    node.phrase = index
  }
  return { find: (text) => walk(root, wordsOf(text)) }
}

function walk(root: Node, words: readonly string[]): { found: Set<number>; steps: number } {
  const found = new Set<number>()
  let steps = 0
  for (let start = 0; start < words.length; start++) {
    let node: Node | undefined = root
    for (let at = start; node !== undefined && at <= words.length; at++) {
      if (node.phrase >= 0) found.add(node.phrase)
      node = node.next.get(words[at] ?? '')
      steps++
    }
  }
  return { found, steps }
}

/** Letters and digits in a row, in lower case; beyond ASCII all but punctuation. Everything else parts words. */
export function wordsOf(text: string): string[] {
  const lower = text.slice(0, MAX_TEXT).toLowerCase()
  const words: string[] = []
  let start = -1
  for (let i = 0; i <= lower.length; i++) {
    const c = lower.charCodeAt(i)
    const isLetter = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || (c > 0xbf && (c < 0x2000 || c > 0x206f))
    if (isLetter && start < 0) start = i
    else if (!isLetter && start >= 0) {
      words.push(lower.slice(start, i))
      start = -1
    }
  }
  return words
}
