/** Amazon's own domains: tests want to see them in mail, and nobody but Amazon can publish anything for them. */

/** Whether a mail domain is one of them: then nothing is signed for it, and nobody is told to publish records. */
export function isForeign(domain: string): boolean {
  return /(?:^|\.)amazonses\.com$/i.test(domain)
}
