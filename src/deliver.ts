/** What the queue runs for a job: look up who gets it, hand it to the transport, write down what became of it. */
import { deliver } from './delivery/transports.ts'
import { answerOutOfOffice } from './domain/auto-replies.ts'
import type { Services } from './domain/context.ts'
import { settle } from './domain/settle.ts'
import type { Job } from './store/types.ts'

/** Every transport of this version has an answer at once, so that a job is over after one attempt. */
export function createDeliver(services: Services): (job: Job) => Promise<'done'> {
  const { store, clock, config } = services
  return async (job) => {
    const startedAt = clock.now()
    const all = await store.messages.recipients(job.scope, job.messageId)
    const recipients = all.filter(({ position }) => job.recipients.includes(position))
    await settle(services, job, deliver(config.hostname, job.destination, recipients), startedAt)
    await answerOutOfOffice(services, job, recipients)
    return 'done'
  }
}
