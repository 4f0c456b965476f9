/** SES v1: configuration sets. Shapes in, domain, shapes out. */
import {
  blankSet,
  createConfigurationSet,
  deleteConfigurationSet,
  getConfigurationSet,
  setReputationMetricsEnabled,
  setSendingEnabled,
} from '../../domain/configuration-sets.ts'
import { listConfigurationSetsV1 } from '../../domain/configuration-sets/listing.ts'
import { scopeOf } from '../../domain/context.ts'
import type { V1 } from '../handlers.ts'

type ConfigurationSet = Awaited<ReturnType<typeof getConfigurationSet>>

export const configurationSets = {
  async CreateConfigurationSet(ctx, { ConfigurationSet: { Name } }) {
    await createConfigurationSet(ctx, scopeOf(ctx), blankSet(Name, false))
    return {}
  },

  async DeleteConfigurationSet(ctx, { ConfigurationSetName }) {
    await deleteConfigurationSet(ctx, scopeOf(ctx), ConfigurationSetName)
    return {}
  },

  async DescribeConfigurationSet(ctx, { ConfigurationSetName, ConfigurationSetAttributeNames }) {
    const set = await getConfigurationSet(ctx, scopeOf(ctx), ConfigurationSetName)
    const asked = new Set(ConfigurationSetAttributeNames)
    return {
      ConfigurationSet: { Name: set.name },
      EventDestinations: asked.has('eventDestinations') ? [] : undefined,
      TrackingOptions: asked.has('trackingOptions') ? trackingOptions(set) : undefined,
      DeliveryOptions: asked.has('deliveryOptions') ? deliveryOptions(set) : undefined,
      ReputationOptions: asked.has('reputationOptions') ? reputationOptions(set) : undefined,
    }
  },

  async ListConfigurationSets(ctx, { MaxItems, NextToken }) {
    const { names, nextToken } = await listConfigurationSetsV1(ctx, scopeOf(ctx), {
      pageSize: MaxItems,
      nextToken: NextToken,
    })
    return { ConfigurationSets: names.map((Name) => ({ Name })), NextToken: nextToken }
  },

  async UpdateConfigurationSetSendingEnabled(ctx, { ConfigurationSetName, Enabled }) {
    await setSendingEnabled(ctx, scopeOf(ctx), ConfigurationSetName, Enabled)
    return {}
  },

  async UpdateConfigurationSetReputationMetricsEnabled(ctx, { ConfigurationSetName, Enabled }) {
    await setReputationMetricsEnabled(ctx, scopeOf(ctx), ConfigurationSetName, Enabled)
    return {}
  },
} satisfies Partial<V1>

function trackingOptions({ tracking }: ConfigurationSet) {
  return tracking === null ? undefined : { CustomRedirectDomain: tracking.customRedirectDomain }
}

function deliveryOptions({ delivery }: ConfigurationSet) {
  if (delivery === null) return undefined
  return { TlsPolicy: delivery.tlsPolicy === 'REQUIRE' ? ('Require' as const) : ('Optional' as const) }
}

function reputationOptions({ sendingEnabled, reputation }: ConfigurationSet) {
  return {
    SendingEnabled: sendingEnabled,
    ReputationMetricsEnabled: reputation.metricsEnabled,
    LastFreshStart: reputation.lastFreshStart === null ? undefined : new Date(reputation.lastFreshStart),
  }
}
