/** Outlook.com, Hotmail, Microsoft 365 and Exchange. */
import type { Rule } from '../rule.ts'

export const MICROSOFT: readonly Rule[] = [
  [
    'recipient address rejected access denied',
    'no-mailbox',
    '550 5.4.1 Recipient address rejected: Access denied. AS(201806281)',
    '4.1',
  ],
  [
    'requested action not taken mailbox unavailable',
    'no-mailbox',
    '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).',
    '5.0',
  ],
  ['exrecipnotfound', 'no-mailbox', '550 5.0.0 RESOLVER.ADR.ExRecipNotFound; not found'],
  [
    'recipientnotfound',
    'no-mailbox',
    '550 5.0.0 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
  ],
  ['recipient not found by smtp address lookup', 'no-mailbox', '550 5.4.0 Recipient not found by SMTP address lookup'],
  ['recipient name is not recognized', 'no-mailbox', '550 The recipient name is not recognized'],
  [
    'is on our block list',
    'reputation',
    '550 5.7.1 Unfortunately, messages from [192.0.2.1] weren’t sent. Part of their network is on our block list (S3150).',
  ],
  [
    'banned sending ip',
    'reputation',
    '550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit the delist portal.',
  ],
  [
    'traffic not accepted from this ip',
    'reputation',
    '550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.',
  ],
  ['banned sender', 'reputation', '550 5.7.511 Access denied, banned sender[192.0.2.1].'],
  [
    'due to ip reputation',
    'rate',
    '451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.',
  ],
  [
    'limits for how many messages can be',
    'rate',
    '421 RP-001 Unfortunately, some messages from 192.0.2.1 weren’t sent. We have limits for how many messages can be sent per hour and per day.',
  ],
  [
    'server busy please try again later',
    'rate',
    '451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)',
  ],
  [
    'exceeded the connection limit',
    'rate',
    '421 RP-002 The mail server IP connecting to Outlook.com has exceeded the connection limit allowed.',
  ],
  [
    'exceeded the rate limit',
    'rate',
    '421 RP-001 The mail server IP connecting to Outlook.com server has exceeded the rate limit allowed.',
  ],
  ['namespace mining', 'reputation', '550 DY-001 Mail rejected by Outlook.com. Reasons may include namespace mining.'],
  ['unable to add', 'destination-down', '452 4.5.0 Unable to add recipients now.'],
  [
    'does not pass dmarc',
    'authentication',
    '550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification.',
  ],
  [
    'meet the required authentication level',
    'authentication',
    '550 5.7.515 Access denied, sending domain example.com doesn’t meet the required authentication level.',
  ],
  [
    'must pass either spf or dkim',
    'authentication',
    '550 5.7.1 Access denied, a message sent over IPv6 must pass either SPF or DKIM validation.',
  ],
  [
    'recipient has exceeded their limit',
    'recipient-busy',
    '554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour.',
  ],
  ['quotaexceededexception', 'mailbox-full', '554 5.2.0 STOREDRV.Deliver; QuotaExceededException; mailbox full'],
  ['notauthorized', 'not-allowed', '550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized'],
  [
    'sendernotauthenticatedforgroup',
    'not-allowed',
    '550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required',
  ],
  [
    'sendernotauthenticatedformailbox',
    'not-allowed',
    '550 5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox; authentication required',
  ],
  ['authrequired', 'not-allowed', '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required'],
  ['rst restricted', 'not-allowed', '550 5.7.124 RESOLVER.RST.Restricted; sender not in allowed list'],
  [
    'restrictedtorecipientspermission',
    'not-allowed',
    '550 5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized to send to recipient',
  ],
  [
    'tenantattribution',
    'relay-denied',
    '550 5.7.64 TenantAttribution; Relay Access Denied [ValidationStatus of domain is EmptyCertificate]',
  ],
  [
    'insufficient system resources',
    'destination-down',
    '452 4.3.1 Insufficient system resources (UsedDiskSpace)',
    '3.1',
  ],
  ['wrong office 365 region', 'relay-denied', '550 5.4.0 Mail sent to the wrong Office 365 region.'],
  [
    'transport rules',
    'not-allowed',
    '550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy',
  ],
  [
    'rejected by organization policy',
    'not-allowed',
    '550 5.7.1 Delivery not authorized, message rejected by organization policy',
  ],
]
