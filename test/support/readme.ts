/** The code blocks of README.md, so that tests can run them as they stand there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type CodeBlock = { readonly language: string; readonly code: string }

const README = join(import.meta.dirname, '../../README.md')

/** Every fenced block, in order; `language` is empty where none is given. */
export function codeBlocks(markdown: string = readFileSync(README, 'utf8')): readonly CodeBlock[] {
  return [...markdown.matchAll(/^```(\S*)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({ language, code }))
}

/** The one block of `language` that has `word` in it. */
export function codeBlock(language: string, word: string): string {
  const found = codeBlocks().filter((block) => block.language === language && block.code.includes(word))
  const [block] = found
  if (block === undefined || found.length > 1) {
    throw new Error(`README.md has ${found.length} ${language || 'plain'} blocks with "${word}"`)
  }
  return block.code
}
