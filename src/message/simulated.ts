/** Which addresses are the mailbox simulator's (SES guide: "Using the mailbox simulator"). */

export const SIMULATOR_DOMAIN = 'simulator.amazonses.com'

/** True of every address at the simulator's domain, `+label` or not; upper and lower case alike. */
export function isSimulated(mailbox: string): boolean {
  return mailbox.toLowerCase().endsWith(`@${SIMULATOR_DOMAIN}`)
}
