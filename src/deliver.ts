/** Delivery, put together: what is known at once, and what the queue runs for a job. */
import type { Config } from './config/config.ts'
import { deliver } from './delivery/transports.ts'
import type { Services } from './domain/context.ts'
import { isOutOfOffice } from './message/simulated.ts'
import { once } from './platform/once.ts'
import type { Delivered } from './queue/queue.ts'
import type { Job } from './store/types.ts'

/**
 * Outcomes that are known at the acceptance. A process that does not deliver leaves them to one that does, and who is
 * out of office has a reply to write, for which there must be a job.
 */
export function createDeliverAtOnce({ roles, hostname }: Config): Services['deliverAtOnce'] {
  return (destination, recipients) => {
    if (!roles.has('delivery') || recipients.some(({ mailbox }) => isOutOfOffice(mailbox))) return undefined
    return deliver(hostname, destination, recipients)
  }
}

/** Every transport of this version has an answer at once, so that a job is over after one attempt. */
export function createDeliver(services: Services): (job: Job) => Promise<Delivered> {
  const { store, clock, config } = services
  // What writes an outcome sends mail too, and so needs most of the program: it is loaded with the first job.
  const writing = once(async () => ({
    ...(await import('./domain/settle.ts')),
    ...(await import('./domain/auto-replies.ts')),
  }))
  return async (job) => {
    const startedAt = clock.now()
    const all = await store.messages.recipients(job.scope, job.messageId)
    const recipients = all.filter(({ position }) => job.recipients.includes(position))
    const outcome = deliver(config.hostname, job.destination, recipients)
    return {
      async settle() {
        const { settle, answerOutOfOffice } = await writing()
        await settle(services, job, outcome, startedAt)
        await answerOutOfOffice(services, job, recipients)
      },
    }
  }
}
