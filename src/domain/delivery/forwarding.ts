/** Email feedback forwarding (SES guide: "Receiving Amazon SES notifications through email"): bounces, as mail to their sender. */
import { parseMailbox } from '../../message/addresses.ts'
import { splitMessage } from '../../message/headers.ts'
import { buildBounce } from '../../message/reports/build-bounce.ts'
import type { StoredMessage } from '../../store/types.ts'
import { parseIdentityArn } from '../authorization/arns.ts'
import type { Services } from '../context.ts'
import { acceptLetter } from '../sending/accept.ts'
import type { Bounced } from './judge.ts'
import { type Attempted, diagnosticOf, statusOf } from './records.ts'

/** A longer message comes back as its header section. */
const MAX_ORIGINAL_OCTETS = 256 * 1024

/** Queues one notice about all of `bounced`, where the identity wants it. What we write ourselves has nobody to be told. */
export async function forwardBounces(
  services: Services,
  attempted: Attempted,
  bounced: readonly Bounced[],
  original: Uint8Array,
): Promise<void> {
  const { stored, recipients, outcome, now } = attempted
  const { message, scope } = stored
  if (bounced.length === 0 || message.surface === 'system' || !(await wantsForwarding(services, stored))) return
  const to = parseMailbox(message.feedbackAddress)
  const from = parseMailbox(`MAILER-DAEMON@${services.config.mailDomain}`)
  if (!to.ok || !from.ok) return
  const notice = buildBounce({
    from: from.value.address,
    to: to.value.address,
    messageId: `<${services.random.uuid()}@${services.config.mailDomain}>`,
    at: now,
    reportingMta: outcome.reportingMta,
    arrivedAt: message.acceptedAt,
    recipients: bounced.map(({ position, reply, remote }) => ({
      address: recipients.find((each) => each.position === position)?.mailbox ?? '',
      action: 'failed',
      status: statusOf(reply),
      diagnosticCode: diagnosticOf(reply),
      remoteMta: remote === null ? null : `dns; ${remote.host}`,
      lastAttemptAt: now,
    })),
    original,
    maxOriginalOctets: MAX_ORIGINAL_OCTETS,
  })
  const split = splitMessage(notice)
  if (!split.ok) return
  await acceptLetter(services, scope, {
    surface: 'system',
    operation: 'Bounce',
    isRaw: true,
    source: from.value,
    sourceArn: null,
    // RFC 3464 §2: nobody answers it.
    returnPath: () => '',
    feedbackAddress: '',
    configurationSet: null,
    tags: [],
    automaticTags: { 'ses:operation': ['Bounce'] },
    recipients: [{ mailbox: to.value, field: 'to' }],
    message: split.value,
    tenantName: null,
    listManagement: null,
  })
}

async function wantsForwarding({ store }: Services, { message }: StoredMessage): Promise<boolean> {
  if (message.feedbackAddress === '') return false
  // Without an identity (`--any-identity`) nobody has said otherwise.
  if (message.sourceArn === null) return true
  const { account, region, name } = parseIdentityArn(message.sourceArn)
  const identity = await store.cached.identities.find({ account, region }, name)
  return identity?.feedback.forwardingEnabled ?? true
}
