/** SES v2: configuration sets. Shapes in, domain, shapes out. */
import {
  blankSet,
  createConfigurationSet,
  deleteConfigurationSet,
  getConfigurationSet,
  type NewConfigurationSet,
  setReputationMetricsEnabled,
  setSendingEnabled,
} from '../../domain/configuration-sets.ts'
import { listConfigurationSetsV2 } from '../../domain/configuration-sets/listing.ts'
import { scopeOf } from '../../domain/context.ts'
import { fail } from '../../errors/fail.ts'
import type { Input, SesV2Sdk } from '../../model/service.ts'
import type { V2 } from '../handlers.ts'
import { notImplemented } from '../later.ts'

type CreateRequest = Input<typeof SesV2Sdk, 'CreateConfigurationSet'>

export const configurationSets = {
  async CreateConfigurationSet(ctx, input) {
    const blank = blankSet(input.ConfigurationSetName, true)
    if (input.MessageSecurityOptions !== undefined) notImplemented('CreateConfigurationSet with MessageSecurityOptions')
    await createConfigurationSet(ctx, scopeOf(ctx), {
      ...blank,
      // An empty SendingOptions switches sending off (observed): its flag is false when it is not there.
      sendingEnabled: input.SendingOptions === undefined || (input.SendingOptions.SendingEnabled ?? false),
      reputation: {
        ...blank.reputation,
        metricsEnabled: input.ReputationOptions?.ReputationMetricsEnabled ?? blank.reputation.metricsEnabled,
      },
      tracking: tracking(input.TrackingOptions),
      delivery: delivery(input.DeliveryOptions),
      suppressedReasons: suppressedReasons(input.SuppressionOptions),
      vdm: vdm(input.VdmOptions),
      archiveArn: input.ArchivingOptions?.ArchiveArn ?? null,
      tags: (input.Tags ?? []).map(({ Key, Value }) => ({ key: Key, value: Value })),
    })
    return {}
  },

  async GetConfigurationSet(ctx, { ConfigurationSetName }) {
    const set = await getConfigurationSet(ctx, scopeOf(ctx), ConfigurationSetName)
    return {
      ConfigurationSetName: set.name,
      TrackingOptions: set.tracking === null ? undefined : trackingOptions(set.tracking),
      DeliveryOptions: set.delivery === null ? undefined : deliveryOptions(set.delivery),
      ReputationOptions: {
        ReputationMetricsEnabled: set.reputation.metricsEnabled,
        LastFreshStart: set.reputation.lastFreshStart === null ? undefined : new Date(set.reputation.lastFreshStart),
      },
      SendingOptions: { SendingEnabled: set.sendingEnabled },
      Tags: set.tags.map(({ key, value }) => ({ Key: key, Value: value })),
      SuppressionOptions:
        set.suppressedReasons === null ? undefined : { SuppressedReasons: [...set.suppressedReasons] },
      VdmOptions: set.vdm === null ? undefined : vdmOptions(set.vdm),
      ArchivingOptions: set.archiveArn === null ? undefined : { ArchiveArn: set.archiveArn },
    }
  },

  async ListConfigurationSets(ctx, { Filter, NextToken, PageSize }) {
    const { names, nextToken } = await listConfigurationSetsV2(ctx, scopeOf(ctx), {
      pageSize: PageSize,
      nextToken: NextToken,
      nameContains: Filter?.CONFIGURATION_SET_NAME_CONTAINS,
    })
    return { ConfigurationSets: [...names], NextToken: nextToken }
  },

  async DeleteConfigurationSet(ctx, { ConfigurationSetName }) {
    await deleteConfigurationSet(ctx, scopeOf(ctx), ConfigurationSetName)
    return {}
  },

  async PutConfigurationSetSendingOptions(ctx, { ConfigurationSetName, SendingEnabled }) {
    await setSendingEnabled(ctx, scopeOf(ctx), ConfigurationSetName, SendingEnabled)
    return {}
  },

  async PutConfigurationSetReputationOptions(ctx, { ConfigurationSetName, ReputationMetricsEnabled }) {
    await setReputationMetricsEnabled(ctx, scopeOf(ctx), ConfigurationSetName, ReputationMetricsEnabled)
    return {}
  },
} satisfies Partial<V2>

function tracking(options: CreateRequest['TrackingOptions']): NewConfigurationSet['tracking'] {
  if (options === undefined) return null
  return { customRedirectDomain: options.CustomRedirectDomain, httpsPolicy: options.HttpsPolicy ?? null }
}

function trackingOptions({ customRedirectDomain, httpsPolicy }: NonNullable<NewConfigurationSet['tracking']>) {
  return { CustomRedirectDomain: customRedirectDomain, HttpsPolicy: httpsPolicy ?? undefined }
}

function delivery(options: CreateRequest['DeliveryOptions']): NewConfigurationSet['delivery'] {
  if (options === undefined) return null
  return {
    tlsPolicy: options.TlsPolicy ?? 'OPTIONAL',
    sendingPoolName: options.SendingPoolName ?? null,
    maxDeliverySeconds: options.MaxDeliverySeconds ?? null,
  }
}

function deliveryOptions({
  tlsPolicy,
  sendingPoolName,
  maxDeliverySeconds,
}: NonNullable<NewConfigurationSet['delivery']>) {
  return {
    TlsPolicy: tlsPolicy,
    SendingPoolName: sendingPoolName ?? undefined,
    MaxDeliverySeconds: maxDeliverySeconds ?? undefined,
  }
}

function suppressedReasons(options: CreateRequest['SuppressionOptions']): NewConfigurationSet['suppressedReasons'] {
  if (options === undefined) return null
  if (options.ValidationOptions !== undefined || options.SuppressionScope !== undefined) {
    notImplemented('CreateConfigurationSet with SuppressionOptions beyond SuppressedReasons')
  }
  // SES itself falls over an empty block (observed); to it `[]`, no suppression, and nothing at all are different things.
  return options.SuppressedReasons ?? fail('UnhandledNull', 'An internal failure has occurred.')
}

function vdm(options: CreateRequest['VdmOptions']): NewConfigurationSet['vdm'] {
  if (options === undefined) return null
  return {
    engagementMetrics: options.DashboardOptions?.EngagementMetrics ?? null,
    optimizedSharedDelivery: options.GuardianOptions?.OptimizedSharedDelivery ?? null,
  }
}

function vdmOptions({ engagementMetrics, optimizedSharedDelivery }: NonNullable<NewConfigurationSet['vdm']>) {
  return {
    DashboardOptions: engagementMetrics === null ? undefined : { EngagementMetrics: engagementMetrics },
    GuardianOptions:
      optimizedSharedDelivery === null ? undefined : { OptimizedSharedDelivery: optimizedSharedDelivery },
  }
}
