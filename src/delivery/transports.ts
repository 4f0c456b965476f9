/** Which way a destination is reached. */
import type { Outcome } from '../message/outcome.ts'
import { SIMULATOR_DOMAIN } from '../message/simulated.ts'
import { capture } from './capture.ts'
import { deliverToSimulator, type SimulatedMailbox } from './simulator.ts'

/** Delivers to one destination (a recipient domain) in the name of `host`. The mailbox simulator is always ours. */
export function deliver(host: string, destination: string, recipients: readonly SimulatedMailbox[]): Outcome {
  if (destination === SIMULATOR_DOMAIN) return deliverToSimulator(host, recipients)
  return capture(
    host,
    recipients.map(({ position }) => position),
  )
}
