/** The identifiers that SES gives a message (docs/fidelity.md, "Identifiers"). */
import { createHash, hash } from 'node:crypto'
import type { Tag } from './submission.ts'
import type { Scope } from '../../store/types.ts'

/** The first four hex digits of a MessageId, as seen in mail from these regions. */
const REGION_PREFIX: ReadonlyMap<string, string> = new Map([
  ['us-east-1', '0100'],
  ['us-west-2', '0101'],
  ['eu-west-1', '0102'],
  ['ap-northeast-1', '0106'],
  ['eu-central-1', '0107'],
  ['ap-south-1', '0109'],
  ['us-east-2', '010f'],
])

/** Region, milliseconds since the epoch in hex, a UUID, six zeros: 60 characters. */
export function makeMessageId(region: string, now: number, uuid: string): string {
  return `${regionPrefix(region)}${now.toString(16).padStart(12, '0')}-${uuid}-000000`
}

// Regions whose prefix nobody has published get one of 0180…01ff, always the same.
function regionPrefix(region: string): string {
  return (
    REGION_PREFIX.get(region) ?? `01${(0x80 | (createHash('sha256').update(region).digest()[0] ?? 0)).toString(16)}`
  )
}

/** `email.DOMAIN` in us-east-1, `REGION.DOMAIN` elsewhere. */
export function messageIdHeader(messageId: string, region: string, mailDomain: string): string {
  return `<${messageId}@${region === 'us-east-1' ? 'email' : region}.${mailDomain}>`
}

/** The envelope sender where no MAIL FROM domain is set: SES's own, with the MessageId in it. */
export function defaultReturnPath(messageId: string, region: string, mailDomain: string): string {
  return `${messageId}@${region === 'us-east-1' ? '' : `${region}.`}${mailDomain}`
}

/**
 * `1.REGION.<base64 of 32 octets>:AmazonSES`, with the values of the tags `ses:feedback-id-a` and `-b` before it
 * where the caller gave them (SES guide: "Fine-grained feedback loops"). The octets stand for the account.
 */
export function feedbackIdHeader(scope: Scope, tags: readonly Tag[]): string {
  const sender = feedbackSender(`${scope.account}/${scope.region}`)
  if (tags.length === 0) return `1.${scope.region}.${sender}:AmazonSES`
  const given = (name: string) => tags.find((tag) => tag.name === name)?.value ?? ''
  const [a, b] = [given('ses:feedback-id-a'), given('ses:feedback-id-b')]
  return `${a === '' && b === '' ? '' : `${a}:${b}:`}1.${scope.region}.${sender}:AmazonSES`
}

/** Every message needs it, and it is always the same: 3 µs of the 90 that a message takes before it is stored. */
const feedbackSenders = new Map<string, string>()
const MOST_FEEDBACK_SENDERS = 10_000

function feedbackSender(scope: string): string {
  const known = feedbackSenders.get(scope)
  if (known !== undefined) return known
  const made = hash('sha256', scope, 'base64')
  if (feedbackSenders.size >= MOST_FEEDBACK_SENDERS) feedbackSenders.clear()
  feedbackSenders.set(scope, made)
  return made
}
