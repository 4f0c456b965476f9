/** Settings of an identity that are values and nothing else: feedback forwarding and the default configuration set. */
import { fail } from '../../errors/fail.ts'
import { type Ctx, scopeOf } from '../context.ts'
import { changeIdentity } from './identity.ts'

/** Whether bounces and complaints are forwarded by mail. Throws InvalidParameterValue (text as SES, observed). */
export async function setFeedbackForwarding(ctx: Ctx, identity: string, forwardingEnabled: boolean): Promise<void> {
  const changed = await changeIdentity(ctx, scopeOf(ctx), identity, ({ feedback }) => ({
    feedback: { ...feedback, forwardingEnabled },
  }))
  if (changed === undefined) {
    fail('InvalidParameterValue', `Identity ${identity} is invalid. Must be a verified email address or domain.`)
  }
}

/** The configuration set that applies where a send names none; null: none. Throws NotFound (texts as SES, observed). */
export async function setConfigurationSet(ctx: Ctx, identity: string, configurationSet: string | null): Promise<void> {
  if (configurationSet !== null) await requireConfigurationSet(ctx, configurationSet)
  const changed = await changeIdentity(ctx, scopeOf(ctx), identity, () => ({ configurationSet }))
  if (changed === undefined) fail('NotFound', `Identity <${identity}> does not exist.`)
}

export async function requireConfigurationSet(ctx: Ctx, name: string): Promise<void> {
  const found = await ctx.store.configurationSets.find(scopeOf(ctx), name)
  if (found === undefined) {
    fail('ConfigurationSetDoesNotExist', `Configuration set <${name}> does not exist.`, { ConfigurationSetName: name })
  }
}
