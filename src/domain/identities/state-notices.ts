/** The mails that tell an account's owner what became of his DNS set-up (SES guide: "MAIL FROM domain setup states", "Troubleshooting DKIM"). */
import type { Check, Identity, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { sendNotice } from '../notices.ts'
import { regionName } from './region-names.ts'

type Change = { readonly title: string; readonly records: string; readonly from: Check; readonly to: Check }

/** Mails a notice for each check whose state changed, if the account has an address to tell. Failures are logged. */
export async function tellChanges(services: Services, scope: Scope, before: Identity, after: Identity): Promise<void> {
  const changes = changesBetween(before, after).filter(({ from, to }) => from.state !== to.state)
  if (changes.length === 0) return
  try {
    const email = (await services.store.accounts.find(scope.account))?.email ?? null
    if (email === null) return
    for (const change of changes) await sendNotice(services, scope, { to: email, ...notice(change, scope, after.name) })
  } catch (error) {
    services.log.warn('a notice about an identity could not be sent', { identity: after.name, error })
  }
}

function changesBetween(before: Identity, after: Identity): readonly Change[] {
  const changes: Change[] = []
  if (after.kind === 'DOMAIN') {
    changes.push(
      {
        title: 'Domain verification',
        records: 'the records that verify the domain',
        from: before.verification,
        to: after.verification,
      },
      { title: 'DKIM setup', records: 'the DKIM records', from: before.dkim, to: after.dkim },
    )
  }
  if (before.mailFrom !== null && after.mailFrom !== null) {
    const records = `the MX record of ${after.mailFrom.domain}`
    changes.push({ title: 'Custom MAIL FROM domain setup', records, from: before.mailFrom, to: after.mailFrom })
  }
  return changes
}

/** The subject of a success is AWS's own (observed); the others are made after it. */
function notice({ title, records, to }: Change, { region }: Scope, name: string) {
  const place = `for ${name} in ${regionName(region)} region`
  switch (to.state) {
    case 'SUCCESS':
      return mail(`${title} SUCCESS ${place}`, `We found ${records} of ${name}. Nothing is left to do.`)
    case 'TEMPORARY_FAILURE':
      return mail(
        `${title} REVOCATION PENDING ${place}`,
        `We can no longer find ${records} of ${name}. If they are not back within 72 hours, this set-up is revoked.`,
      )
    case 'FAILED':
    case 'PENDING':
    case 'NOT_STARTED':
    default:
      return mail(
        `${title} FAILED ${place}`,
        `We looked for ${records} of ${name} for 72 hours, and did not find them. To go on, begin the set-up again.`,
      )
  }
}

function mail(subject: string, sentence: string): { readonly subject: string; readonly text: string } {
  return { subject, text: `${sentence}\r\n\r\nThe records are explained in docs/dns.md.\r\n` }
}
