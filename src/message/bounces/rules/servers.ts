/** Mail servers as people run them: Postfix, Exim, qmail, Sendmail, Dovecot, Domino and their relatives. */
import type { Rule } from '../rule.ts'

export const SERVERS: readonly Rule[] = [
  // Postfix
  [
    'domain not found … sender address rejected',
    'bad-sender',
    '450 4.0.0 <a@example.com>: Sender address rejected: Domain not found',
  ],
  ['sender address rejected', 'bad-sender', '550 5.0.0 <a@example.com>: Sender address rejected: not logged in'],
  ['sender address verification', 'bad-sender', '450 4.0.0 sender address verification in progress'],
  [
    'host or domain name not found',
    'bad-domain',
    '550 5.4.4 Host or domain name not found. Name service error for name=example.org type=MX: Host not found',
    '4.4',
  ],
  [
    'greylisted',
    'greylisted',
    '450 4.2.0 <a@example.org>: Recipient address rejected: Greylisted, see http://postgrey.example/',
  ],
  ['unknown in virtual', 'no-mailbox', '550 5.0.0 <a@example.org>: User unknown in virtual mailbox table'],
  ['unknown in local', 'no-mailbox', '550 5.0.0 <a@example.org>: User unknown in local recipient table'],
  ['unknown in relay', 'no-mailbox', '550 5.0.0 <a@example.org>: User unknown in relay recipient table'],
  ['relay access denied', 'relay-denied', '454 4.7.1 <a@example.org>: Relay access denied'],
  ['cannot find your', 'authentication', '450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]'],
  ['helo command rejected', 'authentication', '450 4.7.1 <mail.example.com>: Helo command rejected: Host not found'],
  ['insufficient system storage', 'destination-down', '452 4.0.0 Insufficient system storage'],
  ['server configuration', 'destination-down', '451 4.0.0 Server configuration error'],
  ['mail for … loops back to myself', 'loop', '550 5.0.0 mail for example.org loops back to myself'],
  ['hop count', 'loop', '554 5.0.0 hop count exceeded - possible mail loop'],
  ['too many hops', 'loop', '554 5.0.0 Error: too many hops'],
  ['must issue a starttls', 'security', '530 5.7.0 Must issue a STARTTLS command first'],
  ['queue file write error', 'destination-down', '451 4.0.0 Error: queue file write error'],
  // Exim
  ['unrouteable address', 'no-mailbox', '550 Unrouteable address'],
  ['unroutable address', 'no-mailbox', '550 unroutable address'],
  ['no such person', 'no-mailbox', '550 No such person at this address'],
  ['sender verify failed', 'bad-sender', '550 Sender verify failed'],
  ['relay not permitted', 'relay-denied', '550 relay not permitted'],
  ['temporary local problem', 'destination-down', '451 Temporary local problem - please try later'],
  ['administrative prohibition', 'policy', '550 Administrative prohibition'],
  ['retry timeout exceeded', 'expired', '550 retry timeout exceeded'],
  ['unknown user account', 'no-mailbox', '550 unknown user account'],
  // qmail, Sendmail, Courier, Domino, Notes
  ['no mailbox here', 'no-mailbox', '550 Sorry, no mailbox here by that name. (#5.0.0)'],
  ['allowed rcpthosts', 'relay-denied', '553 sorry, that domain isn’t in my list of allowed rcpthosts (#5.7.1)'],
  ['couldn t find any host', 'bad-domain', '550 Sorry, I couldn’t find any host named example.org. (#5.0.0)'],
  [
    'wasn t able to establish an smtp',
    'unreachable',
    '450 Sorry, I wasn’t able to establish an SMTP connection. (#4.4.1)',
  ],
  ['user unknown', 'no-mailbox', '550 <a@example.org>... User unknown'],
  ['not listed in domino', 'no-mailbox', '550 ann (ann@example.org) not listed in Domino Directory'],
  ['not listed in public', 'no-mailbox', '550 User ann (ann@example.org) not listed in public Name & Address Book'],
  ['unable to relay', 'relay-denied', '550 5.7.1 Unable to relay for a@example.org'],
  ['relaying denied', 'relay-denied', '550 5.7.1 <a@example.org>... Relaying denied'],
  ['we do not relay', 'relay-denied', '550 we do not relay'],
]
