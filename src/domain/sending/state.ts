/** May this account send at all, and through this configuration set? */
import { fail } from '../../errors/fail.ts'
import { configurationSetForSending } from '../configuration-sets.ts'
import { type Ctx, scopeOf } from '../context.ts'
import type { AccountSettings } from '../../store/types.ts'

/** What AWS's reviewers did comes before what the owner did: he cannot resume an account that they paused. */
export function checkAccountState(settings: AccountSettings): void {
  if (settings.enforcementStatus === 'SHUTDOWN') {
    fail(
      'MessageRejected',
      'Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.',
    )
  }
  if (!settings.sendingEnabled) fail('AccountSendingPaused', 'Account sending is disabled.')
}

/**
 * Holds the configuration set that the call names, or else the sender identity's default, to be there and not paused.
 * A default that is gone is the caller's bad request, not a missing resource of his call
 * (SES guide: "Default configuration sets").
 */
export async function checkConfigurationSet(ctx: Ctx, name: string, isDefault: boolean): Promise<string> {
  const set = await configurationSetForSending(ctx, scopeOf(ctx), name)
  if (set === undefined) {
    const text = `Configuration set <${name}> does not exist.`
    if (isDefault) fail('InvalidParameterValue', text)
    fail('ConfigurationSetDoesNotExist', text, { ConfigurationSetName: name })
  }
  if (!set.sendingEnabled) {
    fail('ConfigurationSetSendingPaused', `Sending is paused for configuration set ${name}`, {
      ConfigurationSetName: name,
    })
  }
  return name
}
