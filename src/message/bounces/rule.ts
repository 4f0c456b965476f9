/** A rule that knows a text: data, in the files of rules/. */
import type { Cause } from './causes.ts'

/**
 * `says`: words in a row, in lower case, as they stand between spaces and punctuation; ` … ` parts pieces that all have to
 * occur, anywhere. `example`: a whole reply that the rule knows, for the test and the docs. `code`: subject and detail of
 * the enhanced code that the reply must have; such a rule goes before what the code says by itself.
 */
export type Rule = readonly [says: string, cause: Cause, example: string, code?: string]
