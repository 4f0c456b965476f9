/** Which addresses are the mailbox simulator's (SES guide: "Using the mailbox simulator"). */

export const SIMULATOR_DOMAIN = 'simulator.amazonses.com'

/** True of every address at the simulator's domain, `+label` or not; upper and lower case alike. */
export function isSimulated(mailbox: string): boolean {
  return mailbox.toLowerCase().endsWith(`@${SIMULATOR_DOMAIN}`)
}

/** True of the simulator's mailbox that answers what it gets, `ooto` or `ooto+label`. */
export function isOutOfOffice(mailbox: string): boolean {
  return isSimulated(mailbox) && /^ooto(?:\+[^@]*)?@/i.test(mailbox)
}
