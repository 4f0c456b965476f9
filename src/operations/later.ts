/** The operations that this version does not have yet, by name: each answers NotImplemented, so that nothing pretends. */
import { fail } from '../errors/fail.ts'
import type { V1OperationName, V2OperationName } from '../model/service.ts'

export const LATER_V1 = {
  'Configuration sets': [
    'CreateConfigurationSetEventDestination',
    'CreateConfigurationSetTrackingOptions',
    'DeleteConfigurationSetEventDestination',
    'DeleteConfigurationSetTrackingOptions',
    'PutConfigurationSetDeliveryOptions',
    'UpdateConfigurationSetEventDestination',
    'UpdateConfigurationSetTrackingOptions',
  ],
  Templates: [
    'CreateTemplate',
    'DeleteTemplate',
    'GetTemplate',
    'ListTemplates',
    'SendBulkTemplatedEmail',
    'SendTemplatedEmail',
    'TestRenderTemplate',
    'UpdateTemplate',
  ],
  'Custom verification emails': [
    'CreateCustomVerificationEmailTemplate',
    'DeleteCustomVerificationEmailTemplate',
    'GetCustomVerificationEmailTemplate',
    'ListCustomVerificationEmailTemplates',
    'SendCustomVerificationEmail',
    'UpdateCustomVerificationEmailTemplate',
  ],
  'Notifications of identities': ['SetIdentityHeadersInNotificationsEnabled', 'SetIdentityNotificationTopic'],
  Receiving: [
    'CloneReceiptRuleSet',
    'CreateReceiptFilter',
    'CreateReceiptRule',
    'CreateReceiptRuleSet',
    'DeleteReceiptFilter',
    'DeleteReceiptRule',
    'DeleteReceiptRuleSet',
    'DescribeActiveReceiptRuleSet',
    'DescribeReceiptRule',
    'DescribeReceiptRuleSet',
    'ListReceiptFilters',
    'ListReceiptRuleSets',
    'ReorderReceiptRuleSet',
    'SendBounce',
    'SetActiveReceiptRuleSet',
    'SetReceiptRulePosition',
    'UpdateReceiptRule',
  ],
} as const satisfies Record<string, readonly V1OperationName[]>

export const LATER_V2 = {
  Account: ['PutAccountPricingAttributes', 'PutAccountVdmAttributes'],
  'Configuration sets': [
    'CreateConfigurationSetEventDestination',
    'DeleteConfigurationSetEventDestination',
    'GetConfigurationSetEventDestinations',
    'PutConfigurationSetArchivingOptions',
    'PutConfigurationSetDeliveryOptions',
    'PutConfigurationSetSuppressionOptions',
    'PutConfigurationSetTrackingOptions',
    'PutConfigurationSetVdmOptions',
    'UpdateConfigurationSet',
    'UpdateConfigurationSetEventDestination',
  ],
  'Certificates of identities': [
    'AssociateEmailIdentityCertificate',
    'DisassociateEmailIdentityCertificate',
    'ListEmailIdentityCertificates',
  ],
  Templates: [
    'CreateEmailTemplate',
    'DeleteEmailTemplate',
    'GetEmailTemplate',
    'ListEmailTemplates',
    'SendBulkEmail',
    'TestRenderEmailTemplate',
    'UpdateEmailTemplate',
  ],
  'Custom verification emails': [
    'CreateCustomVerificationEmailTemplate',
    'DeleteCustomVerificationEmailTemplate',
    'GetCustomVerificationEmailTemplate',
    'ListCustomVerificationEmailTemplates',
    'SendCustomVerificationEmail',
    'UpdateCustomVerificationEmailTemplate',
  ],
  'Suppression list': [
    'DeleteSuppressedDestination',
    'GetSuppressedDestination',
    'ListSuppressedDestinations',
    'PutSuppressedDestination',
    'PutTenantSuppressionAttributes',
  ],
  'Contact lists': [
    'CreateContact',
    'CreateContactList',
    'DeleteContact',
    'DeleteContactList',
    'GetContact',
    'GetContactList',
    'ListContactLists',
    'ListContacts',
    'UpdateContact',
    'UpdateContactList',
  ],
  Tenants: [
    'CreateTenant',
    'CreateTenantResourceAssociation',
    'DeleteTenant',
    'DeleteTenantResourceAssociation',
    'GetReputationEntity',
    'GetTenant',
    'ListReputationEntities',
    'ListResourceTenants',
    'ListTenantResources',
    'ListTenants',
    'UpdateReputationEntityCustomerManagedStatus',
    'UpdateReputationEntityPolicy',
  ],
  'Dedicated IP addresses': [
    'CreateDedicatedIpPool',
    'DeleteDedicatedIpPool',
    'GetDedicatedIp',
    'GetDedicatedIpPool',
    'GetDedicatedIps',
    'ListDedicatedIpPools',
    'PutDedicatedIpInPool',
    'PutDedicatedIpPoolScalingAttributes',
    'PutDedicatedIpWarmupAttributes',
  ],
  'Insights and jobs': [
    'BatchGetMetricData',
    'CancelExportJob',
    'CreateExportJob',
    'CreateImportJob',
    'GetEmailAddressInsights',
    'GetExportJob',
    'GetImportJob',
    'GetMessageInsights',
    'ListExportJobs',
    'ListImportJobs',
    'ListRecommendations',
  ],
  'Deliverability dashboard': [
    'CreateDeliverabilityTestReport',
    'GetBlacklistReports',
    'GetDeliverabilityDashboardOptions',
    'GetDeliverabilityTestReport',
    'GetDomainDeliverabilityCampaign',
    'GetDomainStatisticsReport',
    'ListDeliverabilityTestReports',
    'ListDomainDeliverabilityCampaigns',
    'PutDeliverabilityDashboardOption',
  ],
  'Multi-region endpoints': [
    'CreateMultiRegionEndpoint',
    'DeleteMultiRegionEndpoint',
    'GetMultiRegionEndpoint',
    'ListMultiRegionEndpoints',
  ],
} as const satisfies Record<string, readonly V2OperationName[]>

type NotYet = () => Promise<never>

/** A handler for each of the operations, which says that it is not there. */
export function later<Name extends string>(groups: Readonly<Record<string, readonly Name[]>>): Record<Name, NotYet> {
  const names = Object.values(groups).flat()
  const handlers: Record<string, NotYet> = {}
  for (const name of names) handlers[name] = async () => notImplemented(`The operation ${name}`)
  if (!hasAll(handlers, names)) throw new Error('A handler was made for every name.')
  return handlers
}

function hasAll<Name extends string>(
  handlers: Record<string, NotYet>,
  names: readonly Name[],
): handlers is Record<Name, NotYet> {
  return names.every((name) => Object.hasOwn(handlers, name))
}

/** Throws NotImplemented. `what` is the subject of the sentence: the operation, or the part of a request. */
export function notImplemented(what: string): never {
  return fail('NotImplemented', `${what} is not implemented in this version of Sesame.`)
}
