/** Throwing a failure of the catalogue, and telling one from a bug. */
import type { Failure } from './catalogue.ts'

/**
 * A failure that the caller must see. `message` is what he reads (null: SES answers `{"message":null}`);
 * `detail` holds the members that v1 puts inside `<Error>` beside the message, such as `ConfigurationSetName`.
 */
export class SesError extends Error {
  override readonly name = 'SesError'
  readonly failure: Failure
  /** The words for the caller; null where SES sends none. `Error.message` is never null, hence a second member. */
  readonly text: string | null
  readonly detail: Readonly<Record<string, string>>

  constructor(failure: Failure, text: string | null, detail: Record<string, string> = {}, cause?: unknown) {
    super(text ?? failure, cause === undefined ? undefined : { cause })
    this.failure = failure
    this.text = text
    this.detail = detail
  }
}

/** Throws a {@link SesError}. It never returns, so that `find() ?? fail(…)` narrows. */
export function fail(failure: Failure, text: string | null, detail?: Record<string, string>): never {
  throw new SesError(failure, text, detail)
}
