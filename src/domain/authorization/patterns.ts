/** Texts of policies with wildcards and variables (IAM User Guide: "Policy variables", "Wildcards in policies"). */

/** Looks a policy variable such as `aws:username` up; undefined: the request has no such value. */
export type Variables = (name: string) => string | undefined

const ANY_RUN = -1
const ANY_ONE = -2

/** Without wildcards: the text with its variables filled in; undefined when one has no value. */
export function fillIn(pattern: string, variables: Variables): string | undefined {
  if (!pattern.includes('${')) return pattern
  const tokens = tokenize(pattern, variables, false)
  return tokens && String.fromCharCode(...tokens)
}

/** `*` stands for any run of characters, `?` for any one. A variable's value is taken literally. */
export function matchesPattern(pattern: string, text: string, variables: Variables): boolean {
  const tokens = tokenize(pattern, variables, true)
  return tokens !== undefined && matchesTokens(tokens, text)
}

function tokenize(pattern: string, variables: Variables, hasWildcards: boolean): number[] | undefined {
  const tokens: number[] = []
  for (let at = 0; at < pattern.length; at++) {
    const end = pattern.startsWith('${', at) ? pattern.indexOf('}', at) : -1
    if (end === -1) {
      tokens.push(token(pattern, at, hasWildcards))
      continue
    }
    const value = variable(pattern.slice(at + 2, end), variables)
    if (value === undefined) return undefined
    for (let i = 0; i < value.length; i++) tokens.push(value.charCodeAt(i))
    at = end
  }
  return tokens
}

function token(pattern: string, at: number, hasWildcards: boolean): number {
  const code = pattern.charCodeAt(at)
  if (!hasWildcards) return code
  const character = pattern[at]
  if (character === '*') return ANY_RUN
  return character === '?' ? ANY_ONE : code
}

/** `${*}`, `${?}` and `${$}` are the characters themselves. */
function variable(name: string, variables: Variables): string | undefined {
  return name === '*' || name === '?' || name === '$' ? name : variables(name)
}

/** Goes back only to the latest `*`, so that it takes at most length × length steps. */
function matchesTokens(tokens: readonly number[], text: string): boolean {
  let at = 0
  let position = 0
  let star = -1
  let resume = 0
  while (position < text.length) {
    if (tokens[at] === ANY_RUN) {
      star = at++
      resume = position
    } else if (tokens[at] === ANY_ONE || tokens[at] === text.charCodeAt(position)) {
      at++
      position++
    } else if (star !== -1) {
      at = star + 1
      position = ++resume
    } else return false
  }
  while (tokens[at] === ANY_RUN) at++
  return at === tokens.length
}
