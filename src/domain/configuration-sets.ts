/** Configuration sets: rules that a message can be sent under. v1 and v2 see the same ones. */
import { fail } from '../errors/fail.ts'
import type { ConfigurationSet, Message, Scope } from '../store/types.ts'
import { checkOptions } from './configuration-sets/options.ts'
import type { Services } from './context.ts'
import { oneAtATime } from './identities/identity.ts'

export type NewConfigurationSet = Omit<ConfigurationSet, 'createdAt'>

// SES guide, "Service quotas": configuration sets.
const MOST_SETS = 10_000
const LONGEST_NAME = 64

/** A set with nothing but its name. Only sets made through v2 have reputation metrics from the start (observed). */
export function blankSet(name: string, hasReputationMetrics: boolean): NewConfigurationSet {
  return {
    name,
    sendingEnabled: true,
    reputation: { metricsEnabled: hasReputationMetrics, lastFreshStart: null },
    tracking: null,
    delivery: null,
    suppressedReasons: null,
    vdm: null,
    archiveArn: null,
    tags: [],
  }
}

/** Throws ConfigurationSetAlreadyExists, LimitExceeded, InvalidParameterValue. */
export async function createConfigurationSet(
  services: Services,
  scope: Scope,
  set: NewConfigurationSet,
): Promise<void> {
  checkName(set.name)
  await checkOptions(services, scope, set)
  if ((await services.store.configurationSets.count(scope)) >= MOST_SETS) {
    fail('LimitExceeded', `Number of configuration sets for account ${scope.account} exceeds ${MOST_SETS}.`)
  }
  const isAdded = await services.store.configurationSets.insert(scope, { ...set, createdAt: services.clock.now() })
  if (!isAdded) {
    fail('ConfigurationSetAlreadyExists', `Configuration set <${set.name}> already exists.`, {
      ConfigurationSetName: set.name,
    })
  }
}

/** undefined when there is none. Throws InvalidParameterValue for what can be no name. */
export async function findConfigurationSet(
  services: Services,
  scope: Scope,
  name: string,
): Promise<ConfigurationSet | undefined> {
  checkName(name)
  return await services.store.configurationSets.find(scope, name)
}

/** As {@link findConfigurationSet}, for deciding on a send: from memory where that is known. */
export async function configurationSetForSending(
  { store }: Services,
  scope: Scope,
  name: string,
): Promise<ConfigurationSet | undefined> {
  checkName(name)
  return await store.cached.configurationSets.find(scope, name)
}

/** The set of a message that was accepted; undefined: it has none, or one that was deleted since and has no say any more. */
export async function configurationSetOf(
  { store }: Services,
  { scope, message }: { readonly scope: Scope; readonly message: Pick<Message, 'configurationSet'> },
): Promise<ConfigurationSet | undefined> {
  if (message.configurationSet === null) return undefined
  return await store.cached.configurationSets.find(scope, message.configurationSet)
}

/** Throws ConfigurationSetDoesNotExist. */
export async function getConfigurationSet(services: Services, scope: Scope, name: string): Promise<ConfigurationSet> {
  return (await findConfigurationSet(services, scope, name)) ?? failMissing(name)
}

/** Identities that have it as their default keep its name, and cannot send until they get another (SES guide). */
export async function deleteConfigurationSet(services: Services, scope: Scope, name: string): Promise<void> {
  checkName(name)
  if (!(await services.store.configurationSets.remove(scope, name))) failMissing(name)
}

/** An absent flag is false (observed on both APIs). Switched on again, the set's reputation starts afresh. */
export async function setSendingEnabled(
  services: Services,
  scope: Scope,
  name: string,
  isEnabled: boolean | undefined,
): Promise<void> {
  await change(services, scope, name, (set) => {
    const sendingEnabled = isEnabled ?? false
    const isResumed = sendingEnabled && !set.sendingEnabled
    const reputation = isResumed ? { ...set.reputation, lastFreshStart: services.clock.now() } : set.reputation
    return { sendingEnabled, reputation }
  })
}

/** An absent flag is false (observed). */
export async function setReputationMetricsEnabled(
  services: Services,
  scope: Scope,
  name: string,
  isEnabled: boolean | undefined,
): Promise<void> {
  await change(services, scope, name, ({ reputation }) => ({
    reputation: { ...reputation, metricsEnabled: isEnabled ?? false },
  }))
}

/** Changes of one set wait for one another, since they read before they write. Throws ConfigurationSetDoesNotExist. */
async function change(
  services: Services,
  scope: Scope,
  name: string,
  changed: (set: ConfigurationSet) => Partial<NewConfigurationSet>,
): Promise<void> {
  const { configurationSets } = services.store
  await oneAtATime(services.store, `configuration set ${scope.account} ${scope.region} ${name}`, async () => {
    const set = await getConfigurationSet(services, scope, name)
    if ((await configurationSets.patch(scope, name, changed(set))) === undefined) failMissing(name)
  })
}

/** SES's rules in its order: there, short enough, of the right characters. */
function checkName(name: string): void {
  if (name === '') fail('InvalidParameterValue', 'The configuration set name must be specified.')
  if (name.length > LONGEST_NAME) {
    fail('InvalidParameterValue', `Configuration set name cannot exceed ${LONGEST_NAME} characters.`)
  }
  if (!/^[A-Za-z0-9_-]+$/.test(name)) {
    fail(
      'InvalidParameterValue',
      `Invalid configuration set name <${name}>: only alphanumeric ASCII characters, '_', and '-' are allowed.`,
    )
  }
}

function failMissing(name: string): never {
  return fail('ConfigurationSetDoesNotExist', `Configuration set <${name}> does not exist.`, {
    ConfigurationSetName: name,
  })
}
