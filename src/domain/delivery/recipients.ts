/** Whom a job is for. */
import type { Job, Recipient } from '../../store/types.ts'

/** Of all recipients of the message those of the job. */
export function addressedBy(job: Pick<Job, 'recipients'>, all: readonly Recipient[]): readonly Recipient[] {
  return all.filter(({ position }) => job.recipients.includes(position))
}
