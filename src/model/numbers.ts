/** Which numbers of the model are doubles or longs: the schemas say only `number`, but AWS writes and refuses them differently. */
import type { Api } from './load.ts'

export type NumberKind = 'Integer' | 'Long' | 'Double'

// Botocore's service models 2010-12-01 and 2019-09-27, by structure and member; what is in neither list is an integer.
const DOUBLES: Readonly<Record<Api, ReadonlySet<string>>> = {
  v1: new Set([
    'GetSendQuotaResponse.Max24HourSend',
    'GetSendQuotaResponse.MaxSendRate',
    'GetSendQuotaResponse.SentLast24Hours',
  ]),
  v2: new Set([
    'DomainDeliverabilityCampaign.ReadRate',
    'DomainDeliverabilityCampaign.DeleteRate',
    'DomainDeliverabilityCampaign.ReadDeleteRate',
    'DomainIspPlacement.InboxPercentage',
    'DomainIspPlacement.SpamPercentage',
    'OverallVolume.ReadRatePercent',
    'PlacementStatistics.InboxPercentage',
    'PlacementStatistics.SpamPercentage',
    'PlacementStatistics.MissingPercentage',
    'PlacementStatistics.SpfPercentage',
    'PlacementStatistics.DkimPercentage',
    'SendQuota.Max24HourSend',
    'SendQuota.MaxSendRate',
    'SendQuota.SentLast24Hours',
  ]),
}

const LONGS: Readonly<Record<Api, ReadonlySet<string>>> = {
  v1: new Set([
    'SendDataPoint.DeliveryAttempts',
    'SendDataPoint.Bounces',
    'SendDataPoint.Complaints',
    'SendDataPoint.Rejects',
  ]),
  v2: new Set([
    'DeliveryOptions.MaxDeliverySeconds',
    'PutConfigurationSetDeliveryOptionsRequest.MaxDeliverySeconds',
    'DomainDeliverabilityCampaign.InboxCount',
    'DomainDeliverabilityCampaign.SpamCount',
    'DomainDeliverabilityCampaign.ProjectedVolume',
    'DomainIspPlacement.InboxRawCount',
    'DomainIspPlacement.SpamRawCount',
    'MetricDataResult.Values',
    'SOARecord.SerialNumber',
    'VolumeStatistics.InboxRawCount',
    'VolumeStatistics.SpamRawCount',
    'VolumeStatistics.ProjectedInbox',
    'VolumeStatistics.ProjectedSpam',
  ]),
}

/** The kind of the number at `Structure.Member`. */
export function numberKind(api: Api, member: string): NumberKind {
  if (DOUBLES[api].has(member)) return 'Double'
  return LONGS[api].has(member) ? 'Long' : 'Integer'
}

/** The members that are told apart here: a test holds them against the model. */
export function listedNumbers(api: Api): readonly string[] {
  return [...DOUBLES[api], ...LONGS[api]]
}
