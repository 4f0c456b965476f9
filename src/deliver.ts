/** What the queue runs for a job: look up who gets it, hand it to the transport, write down what became of it. */
import { deliver } from './delivery/transports.ts'
import type { Services } from './domain/context.ts'
import { settle } from './domain/settle.ts'
import type { Delivered } from './queue/queue.ts'
import type { Job } from './store/types.ts'

/** Every transport of this version has an answer at once, so that a job is over after one attempt. */
export function createDeliver(services: Services): (job: Job) => Promise<Delivered> {
  const { store, clock, config } = services
  return async (job) => {
    const startedAt = clock.now()
    const all = await store.messages.recipients(job.scope, job.messageId)
    const recipients = all.filter(({ position }) => job.recipients.includes(position))
    const outcome = deliver(config.hostname, job.destination, recipients)
    return { settle: () => settle(services, job, outcome, startedAt) }
  }
}
