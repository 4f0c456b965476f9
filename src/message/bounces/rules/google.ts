/** Gmail and Google Workspace. */
import type { Rule } from '../rule.ts'

export const GOOGLE: readonly Rule[] = [
  [
    'receiving mail at a rate',
    'recipient-busy',
    '550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.',
    '2.1',
  ],
  [
    'receiving mail too quickly',
    'recipient-busy',
    '450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend your message at a later time.',
    '2.1',
  ],
  [
    'inbox is out of storage',
    'mailbox-full',
    "452 4.0.0 The recipient's inbox is out of storage space. Please direct the recipient to clear it.",
  ],
  [
    'account that you tried to reach does not',
    'no-mailbox',
    '550 5.0.0 The email account that you tried to reach does not exist. Please try double-checking the address.',
  ],
  [
    'account that you tried to reach is',
    'inactive-mailbox',
    '550 5.0.0 The email account that you tried to reach is disabled.',
  ],
  [
    'unusual rate of unsolicited mail',
    'rate',
    '421 4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address.',
  ],
  [
    'low reputation of the sending',
    'reputation',
    '421 4.7.0 This message is suspicious due to the very low reputation of the sending IP address.',
  ],
  [
    'sending domain … low reputation',
    'reputation',
    '550 5.7.1 Our system has detected that the sending domain of this message has a very low reputation.',
  ],
  [
    'likely unsolicited mail',
    'content',
    '550 5.7.1 Our system has detected that this message is likely unsolicited mail. To reduce spam, it has been blocked.',
  ],
  ['likely suspicious due to', 'content', '421 4.7.0 This message is likely suspicious due to its content.'],
  [
    'presents a potential security issue',
    'attachment',
    '552 5.7.0 This message was blocked because its content presents a potential security issue.',
  ],
  [
    'policy that prohibited the mail',
    'not-allowed',
    '550 5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail that you sent.',
  ],
  ['email quota is exceeded', 'rate', '421 4.7.0 Your email quota is exceeded, try again later.'],
  ['sending quota exceeded', 'rate', '550 5.4.5 Daily user sending quota exceeded.', '4.5'],
  [
    'spf did not pass',
    'authentication',
    '550 5.7.27 Your email has been blocked because SPF did not pass for the sending domain.',
    '7.27',
  ],
  ['evaluating dmarc policy', 'authentication', '550 5.7.5 Permanent error evaluating DMARC policy.', '7.5'],
  [
    'dkim did not pass',
    'authentication',
    '421 4.7.30 Your email has been rate limited because DKIM did not pass.',
    '7.30',
  ],
  [
    'not sent over a tls connection',
    'security',
    '421 4.7.29 Your email has been rate limited because this message was not sent over a TLS connection.',
    '7.29',
  ],
  [
    'sender is unauthenticated',
    'authentication',
    '550 5.7.1 This mail has been blocked because the sender is unauthenticated.',
  ],
  [
    'not aligned with',
    'authentication',
    '421 4.7.32 The From: header is not aligned with either the authenticated SPF or DKIM organizational domain.',
  ],
  [
    'ipv6 sending guidelines',
    'authentication',
    '550 5.7.1 Our system has detected that this message does not meet IPv6 sending guidelines regarding PTR records.',
  ],
  [
    'not rfc 5322 compliant',
    'content',
    '550 5.7.1 This message is not RFC 5322 compliant, it has multiple From headers.',
  ],
  [
    'multiple destination domains per transaction',
    'too-many-recipients',
    '451 4.3.0 Multiple destination domains per transaction is unsupported.',
  ],
]
