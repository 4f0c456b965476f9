/** The part message/delivery-status (RFC 3464 §2), as it should be and as it is. */
import { enhancedIn } from '../bounces/codes.ts'
import { addressOf, dateOf, firstOf, readFieldGroups } from './fields.ts'
import type { FieldGroup } from './fields.ts'

export type Action = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

/** What a report says of one recipient. Nothing of it is proven: whoever knows the address can write such a mail. */
export type ReportedRecipient = {
  /** The address that the sender of the message used. */
  readonly originalRecipient: string | null
  /** The address at which it ended. */
  readonly finalRecipient: string | null
  readonly action: Action
  /** `5.1.1`, without comments. */
  readonly status: string | null
  /** With its type: `smtp; 550 5.1.1 user unknown`. */
  readonly diagnosticCode: string | null
  readonly remoteMta: string | null
}

export type DeliveryStatus = {
  /** With its type: `dns; mx.example.org`. */
  readonly reportingMta: string | null
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number | null
  readonly recipients: readonly ReportedRecipient[]
}

/** SES takes 50 recipients a message; a list behind one of them may be long. */
export const MAX_RECIPIENTS = 1000

const RECIPIENT = ['final-recipient', 'original-recipient'] as const
const STARTS: ReadonlySet<string> = new Set(RECIPIENT)

/** Reads the part's text. Groups without a recipient are about the message, wherever they stand. */
export function readDeliveryStatus(text: string): DeliveryStatus {
  const groups = readFieldGroups(text, STARTS)
  const find = (name: string) => groups.map((group) => firstOf(group, name)).find((value) => value !== null) ?? null
  return {
    reportingMta: find('reporting-mta'),
    arrivedAt: dateOf(find('arrival-date')),
    recipients: groups
      .filter((group) => RECIPIENT.some((name) => group.has(name)))
      .slice(0, MAX_RECIPIENTS)
      .flatMap(recipientOf),
  }
}

function recipientOf(group: FieldGroup): ReportedRecipient[] {
  const diagnosticCode = firstOf(group, 'diagnostic-code')
  const status = enhancedIn(firstOf(group, 'status') ?? '') ?? enhancedIn(diagnosticCode ?? '')
  const action = actionOf(firstOf(group, 'action'), status)
  if (action === null) return []
  return [
    {
      originalRecipient: addressOf(firstOf(group, 'original-recipient')),
      finalRecipient: addressOf(firstOf(group, 'final-recipient')),
      action,
      status,
      diagnosticCode,
      remoteMta: firstOf(group, 'remote-mta'),
    },
  ]
}

const ACTIONS: readonly Action[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']

/** `Failed (permanent)` too; where there is none, what the class of the status says. null: nothing is said. */
function actionOf(value: string | null, status: string | null): Action | null {
  const word = /^[a-z]{1,20}/.exec((value ?? '').toLowerCase())?.[0] ?? ''
  const action = ACTIONS.find((each) => word === each)
  if (action !== undefined) return action
  if (word === 'failure' || status?.startsWith('5') === true) return 'failed'
  if (status?.startsWith('4') === true) return 'delayed'
  return status?.startsWith('2') === true ? 'delivered' : null
}
