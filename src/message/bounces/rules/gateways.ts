/** Filters in front of others' mail servers: Mimecast, Proofpoint, Barracuda, Symantec, and the blocklists that all ask. */
import type { Rule } from '../rule.ts'

export const GATEWAYS: readonly Rule[] = [
  // Mimecast
  [
    'administrative prohibition envelope blocked',
    'not-allowed',
    '550 Administrative prohibition - envelope blocked - https://community.mimecast.example/docs/DOC-1369#550',
  ],
  [
    'due to security policies',
    'policy',
    '554 Email rejected due to security policies - https://community.mimecast.example/docs/DOC-1369#554',
  ],
  [
    'internal resources are temporarily unavailable',
    'greylisted',
    '451 Internal resources are temporarily unavailable - https://community.mimecast.example/docs/DOC-1369#451',
  ],
  ['anti spoofing policy', 'authentication', '550 Rejected by header based Anti-Spoofing policy: example.com'],
  ['rejected by header based', 'not-allowed', '550 Rejected by header based manually blocked senders'],
  // Proofpoint, Cloudmark
  [
    'blocked see … proofpoint',
    'reputation',
    '550 5.7.0 Blocked - see https://support.proofpoint.example/dnsbl-lookup.cgi?ip=192.0.2.1',
  ],
  [
    'dnsbl lookup',
    'reputation',
    '550 5.7.1 Service unavailable, see https://support.example/dnsbl-lookup.cgi?ip=192.0.2.1',
  ],
  ['ipcheck', 'reputation', '554 5.7.1 Denied - see https://ipcheck.proofpoint.example/?ip=192.0.2.1'],
  ['cloudmark', 'reputation', '550 5.7.1 Mail appears to be unwanted: Cloudmark sender intelligence'],
  // Barracuda, Symantec, Trend Micro, Sophos, SpamTitan
  [
    'barracudanetworks … reputation',
    'reputation',
    '554 Service unavailable; see http://www.barracudanetworks.example/reputation/?pr=1&ip=192.0.2.1',
  ],
  ['bad reputation', 'reputation', '554 5.7.1 Your IP address has a bad reputation'],
  ['poor reputation', 'reputation', '554 5.7.1 Refused, your address has a poor reputation'],
  [
    'reputation of',
    'reputation',
    '554 Your access to this mail system has been rejected due to the poor sending reputation of your host',
  ],
  ['message filtered', 'content', '553 Message filtered. Refer to the Troubleshooting page'],
  // Blocklists
  [
    'spamhaus',
    'reputation',
    '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.example',
  ],
  ['spamcop', 'reputation', '554 5.7.1 Client host blocked using bl.spamcop.example'],
  ['sorbs', 'reputation', '550 5.7.1 found in dnsbl.sorbs.example'],
  [
    'client host … blocked',
    'reputation',
    '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using some list',
  ],
  ['rbl', 'reputation', '550 5.7.1 Rejected: 192.0.2.1 is listed in our RBL'],
  ['dnsbl', 'reputation', '554 5.7.1 Rejected by DNSBL'],
  ['blacklisted', 'reputation', '550 Your host is blacklisted'],
  ['blacklist', 'reputation', '550 Host is on a blacklist'],
  ['blocklisted', 'reputation', '550 5.7.1 Sender IP blocklisted'],
  ['blocklist', 'reputation', '550 5.7.1 Sender IP is on our blocklist'],
  ['block list', 'reputation', '550 5.7.1 Found on a block list'],
  ['your ip … blocked', 'reputation', '550 5.7.1 Mail from your IP address has been blocked'],
]
