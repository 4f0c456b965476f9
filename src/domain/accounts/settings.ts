/** What an account may do in one region, and the switches that its owner has. */
import type { Config } from '../../config/config.ts'
import type { AccountSettings, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'

/** How an account starts in each region: the profile says whether in the sandbox. */
export function defaultSettings(config: Config): AccountSettings {
  return {
    productionAccess: config.productionAccess,
    max24HourSend: config.max24HourSend,
    maxSendRate: config.maxSendRate,
    enforcementStatus: 'HEALTHY',
    sendingEnabled: true,
    details: null,
    review: null,
    // SES guide, "Using the account-level suppression list": accounts since November 2019 start with both.
    suppressedReasons: ['BOUNCE', 'COMPLAINT'],
    dedicatedIpAutoWarmup: false,
  }
}

export async function accountSettings(services: Services, scope: Scope): Promise<AccountSettings> {
  return (await services.store.accounts.settings(scope)) ?? defaultSettings(services.config)
}

/** As {@link accountSettings}, for deciding on a send: from memory where that is known. */
export function settingsForSending(
  { store, config }: Services,
  scope: Scope,
): AccountSettings | Promise<AccountSettings> {
  const known = store.cached.accounts.settings(scope)
  if (known instanceof Promise) return known.then((settings) => settings ?? defaultSettings(config))
  return known ?? defaultSettings(config)
}

/** Changes some settings in one step, and gives what they are then. */
export async function patchSettings(
  services: Services,
  scope: Scope,
  patch: Partial<AccountSettings>,
): Promise<AccountSettings> {
  return await services.store.accounts.patchSettings(scope, defaultSettings(services.config), patch)
}

/**
 * Whether the account can send here: neither paused by its owner nor by enforcement, which the owner's switch cannot
 * undo (SES API: PutAccountSendingAttributes).
 */
export function isSendingEnabled({ sendingEnabled, enforcementStatus }: AccountSettings): boolean {
  return sendingEnabled && enforcementStatus !== 'SHUTDOWN'
}

/** v1 UpdateAccountSendingEnabled, v2 PutAccountSendingAttributes: an absent flag is false (observed on both). */
export async function setSendingEnabled(
  services: Services,
  scope: Scope,
  isEnabled: boolean | undefined,
): Promise<void> {
  await patchSettings(services, scope, { sendingEnabled: isEnabled ?? false })
}

/** v2 PutAccountSuppressionAttributes; none: nothing is suppressed. */
export async function setSuppressedReasons(
  services: Services,
  scope: Scope,
  reasons: AccountSettings['suppressedReasons'] | undefined,
): Promise<void> {
  await patchSettings(services, scope, { suppressedReasons: [...new Set(reasons)] })
}

/** v2 PutAccountDedicatedIpWarmupAttributes: an absent flag is false. */
export async function setDedicatedIpAutoWarmup(
  services: Services,
  scope: Scope,
  isEnabled: boolean | undefined,
): Promise<void> {
  await patchSettings(services, scope, { dedicatedIpAutoWarmup: isEnabled ?? false })
}
