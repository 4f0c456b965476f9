/**
 * Lengths, ranges and patterns, which the SDK's schemas lack: by `Structure.Member`, as botocore's service models
 * (2010-12-01, 2019-09-27) and observation of SES have them. Rules that SES words itself are the domain's and not here.
 */
import type { Api } from './load.ts'

export type Bounds = { readonly min?: number; readonly max?: number }

export type Pattern = {
  /** As AWS prints it. */
  readonly text: string
  /** What it means, anchored, and linear in the length of its input. */
  readonly expression: RegExp
}

export type Rule = {
  /** Of a string in UTF-16 units, of a list or map in elements. */
  readonly length?: Bounds
  readonly range?: Bounds
  readonly pattern?: Pattern
  /** The rule is silent on blank text, for which SES has words of its own. */
  readonly unlessBlank?: true
  /** For every element of a list, every value of a map. */
  readonly each?: Rule
}

/** The phrases of AWS's validation messages, after “failed to satisfy constraint: ”. */
export const PHRASES = {
  notNull: 'Member must not be null',
  minLength: (length: number) => `Member must have length greater than or equal to ${length}`,
  maxLength: (length: number) => `Member must have length less than or equal to ${length}`,
  min: (value: number) => `Member must have value greater than or equal to ${value}`,
  max: (value: number) => `Member must have value less than or equal to ${value}`,
  pattern: (text: string) => `Member must satisfy regular expression pattern: ${text}`,
  oneOf: (values: readonly string[]) => `Member must satisfy enum value set: [${values.join(', ')}]`,
  elements: (phrases: readonly string[]) => `Member must satisfy constraint: [${phrases.join(', ')}]`,
  mapKeys: (phrases: readonly string[]) => `Map keys must satisfy constraint: [${phrases.join(', ')}]`,
  mapValues: (phrases: readonly string[]) => `Map value must satisfy constraint: [${phrases.join(', ')}]`,
} as const

/** A pattern that may be tried as it is printed, since the length of what it meets is bounded or it cannot backtrack. */
function pattern(text: string): Pattern {
  return { text, expression: new RegExp(`^(?:${text})$`) }
}

const NOT_EMPTY: Rule = { length: { min: 1 } }
const POLICY_NAME: Rule = { length: { min: 1, max: 64 } }
const TEMPLATE_DATA: Rule = { length: { max: 262144 } }
const HEADERS: Rule = { length: { max: 15 } }
const ROLE_ARN: Rule = {
  length: { min: 20, max: 2048 },
  pattern: pattern(String.raw`arn:[\w-]+:iam::[0-9]+:role(\u002F)([\u0021-\u007E]+\u002F)?([\w+=,.@-]+)`),
}
const ARCHIVE_ARN: Rule = {
  length: { min: 20, max: 1011 },
  pattern: pattern(
    'arn:(aws|aws-[a-z-]+):ses:[a-z]{2,4}-[a-z-]+-[0-9]:[0-9]{1,20}:mailmanager-archive/a-[a-z0-9]{24,62}',
  ),
}
const ENDPOINT_NAME: Rule = { length: { min: 1, max: 64 }, pattern: pattern(String.raw`^[\w\-_]+$`) }
const DELIVERY_SECONDS: Rule = { range: { min: 300, max: 50400 } }
const FILTER_VALUES: Rule = { each: { length: { min: 1, max: 512 } } }
const INSIGHTS_ADDRESSES: Rule = { length: { max: 5 }, each: { length: { min: 1, max: 320 } } }
const RULE_SET_NAME: Rule = { pattern: pattern('^[a-zA-Z0-9_.-]+$') }
const S3_URL: Rule = {
  pattern: {
    text: String.raw`^s3:\/\/([^\/]+)\/(.*?([^\/]+)\/?)$`,
    // The same language without the lazy prefix, which takes quadratic time on long input.
    expression: /^s3:\/\/[^/]+\/.*[^/]\/?$/,
  },
}

type Row = readonly [rule: Rule, ...members: string[]]

const V1: readonly Row[] = [
  [POLICY_NAME, 'PutIdentityPolicyRequest.PolicyName', 'DeleteIdentityPolicyRequest.PolicyName'],
  [{ each: POLICY_NAME }, 'GetIdentityPoliciesRequest.PolicyNames'],
  [NOT_EMPTY, 'PutIdentityPolicyRequest.Policy'],
  [
    TEMPLATE_DATA,
    'BulkEmailDestination.ReplacementTemplateData',
    'SendBulkTemplatedEmailRequest.DefaultTemplateData',
    'SendTemplatedEmailRequest.TemplateData',
    'TestRenderTemplateRequest.TemplateData',
  ],
  [ROLE_ARN, 'S3Action.IamRoleArn', 'ConnectAction.IAMRoleARN'],
  [
    {
      pattern: pattern(
        'arn:(aws|aws-us-gov):connect:[a-z]{2}-[a-z]+-[0-9-]{1}:[0-9]{1,20}:instance/[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}',
      ),
    },
    'ConnectAction.InstanceARN',
  ],
  // Observed on the names of rule sets and rules; their length is checked, and worded, by SES itself.
  [
    RULE_SET_NAME,
    'CloneReceiptRuleSetRequest.RuleSetName',
    'CloneReceiptRuleSetRequest.OriginalRuleSetName',
    'CreateReceiptRuleRequest.RuleSetName',
    'CreateReceiptRuleSetRequest.RuleSetName',
    'DeleteReceiptRuleRequest.RuleSetName',
    'DeleteReceiptRuleRequest.RuleName',
    'DeleteReceiptRuleSetRequest.RuleSetName',
    'DescribeReceiptRuleRequest.RuleSetName',
    'DescribeReceiptRuleRequest.RuleName',
    'DescribeReceiptRuleSetRequest.RuleSetName',
    'ReceiptRule.Name',
    'ReorderReceiptRuleSetRequest.RuleSetName',
    'SetActiveReceiptRuleSetRequest.RuleSetName',
    'SetReceiptRulePositionRequest.RuleSetName',
    'SetReceiptRulePositionRequest.RuleName',
    'UpdateReceiptRuleRequest.RuleSetName',
  ],
]

const V2: readonly Row[] = [
  [
    NOT_EMPTY,
    'CancelExportJobRequest.JobId',
    'CreateCustomVerificationEmailTemplateRequest.TemplateName',
    'CreateEmailIdentityPolicyRequest.EmailIdentity',
    'CreateEmailIdentityPolicyRequest.Policy',
    'CreateEmailIdentityRequest.EmailIdentity',
    'CreateEmailTemplateRequest.TemplateName',
    'CreateTenantRequest.TenantName',
    'CreateTenantResourceAssociationRequest.ResourceArn',
    'CreateTenantResourceAssociationRequest.TenantName',
    'DeleteCustomVerificationEmailTemplateRequest.TemplateName',
    'DeleteEmailIdentityPolicyRequest.EmailIdentity',
    'DeleteEmailIdentityRequest.EmailIdentity',
    'DeleteEmailTemplateRequest.TemplateName',
    'DeleteTenantRequest.TenantName',
    'DeleteTenantResourceAssociationRequest.ResourceArn',
    'DeleteTenantResourceAssociationRequest.TenantName',
    'EventBridgeDestination.EventBusArn',
    'GetCustomVerificationEmailTemplateRequest.TemplateName',
    'GetDomainStatisticsReportRequest.Domain',
    'GetEmailIdentityPoliciesRequest.EmailIdentity',
    'GetEmailIdentityRequest.EmailIdentity',
    'GetEmailTemplateRequest.TemplateName',
    'GetExportJobRequest.JobId',
    'GetImportJobRequest.JobId',
    'GetReputationEntityRequest.ReputationEntityReference',
    'GetTenantRequest.TenantName',
    'KinesisFirehoseDestination.DeliveryStreamArn',
    'KinesisFirehoseDestination.IamRoleArn',
    'ListResourceTenantsRequest.ResourceArn',
    'ListTagsForResourceRequest.ResourceArn',
    'ListTenantResourcesRequest.TenantName',
    'PinpointDestination.ApplicationArn',
    'PutEmailIdentityConfigurationSetAttributesRequest.EmailIdentity',
    'PutEmailIdentityDkimAttributesRequest.EmailIdentity',
    'PutEmailIdentityDkimSigningAttributesRequest.EmailIdentity',
    'PutEmailIdentityFeedbackAttributesRequest.EmailIdentity',
    'PutEmailIdentityMailFromAttributesRequest.EmailIdentity',
    'SendBulkEmailRequest.FeedbackForwardingEmailAddressIdentityArn',
    'SendBulkEmailRequest.FromEmailAddressIdentityArn',
    'SendBulkEmailRequest.TenantName',
    'SendCustomVerificationEmailRequest.TemplateName',
    'SendEmailRequest.FeedbackForwardingEmailAddressIdentityArn',
    'SendEmailRequest.FromEmailAddressIdentityArn',
    'SendEmailRequest.TenantName',
    'SnsDestination.TopicArn',
    'TagResourceRequest.ResourceArn',
    'Template.TemplateArn',
    'Template.TemplateName',
    'TestRenderEmailTemplateRequest.TemplateName',
    'UntagResourceRequest.ResourceArn',
    'UpdateCustomVerificationEmailTemplateRequest.TemplateName',
    'UpdateEmailIdentityPolicyRequest.EmailIdentity',
    'UpdateEmailIdentityPolicyRequest.Policy',
    'UpdateEmailTemplateRequest.TemplateName',
    'UpdateReputationEntityCustomerManagedStatusRequest.ReputationEntityReference',
    'UpdateReputationEntityPolicyRequest.ReputationEntityPolicy',
    'UpdateReputationEntityPolicyRequest.ReputationEntityReference',
  ],
  [
    POLICY_NAME,
    'CreateEmailIdentityPolicyRequest.PolicyName',
    'DeleteEmailIdentityPolicyRequest.PolicyName',
    'UpdateEmailIdentityPolicyRequest.PolicyName',
  ],
  [
    TEMPLATE_DATA,
    'ReplacementTemplate.ReplacementTemplateData',
    'Template.TemplateData',
    'TestRenderEmailTemplateRequest.TemplateData',
  ],
  [HEADERS, 'BulkEmailEntry.ReplacementHeaders', 'Message.Headers', 'Template.Headers'],
  // Observed: `The header name must be specified.` for a blank name, in SES's own words.
  [{ length: { max: 126 }, pattern: pattern('^[!-9;-@A-~]+$'), unlessBlank: true }, 'MessageHeader.Name'],
  [{ length: { max: 995 }, pattern: pattern('[ -~]*') }, 'MessageHeader.Value'],
  [{ length: { max: 255 } }, 'Attachment.FileName'],
  [{ length: { max: 1000 } }, 'Attachment.ContentDescription'],
  [{ length: { min: 1, max: 78 } }, 'Attachment.ContentId', 'Attachment.ContentType'],
  [ARCHIVE_ARN, 'ArchivingOptions.ArchiveArn', 'PutConfigurationSetArchivingOptionsRequest.ArchiveArn'],
  [
    DELIVERY_SECONDS,
    'DeliveryOptions.MaxDeliverySeconds',
    'PutConfigurationSetDeliveryOptionsRequest.MaxDeliverySeconds',
  ],
  [
    {
      length: { min: 1, max: 63 },
      pattern: pattern(String.raw`^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9]))$`),
    },
    'DkimSigningAttributes.DomainSigningSelector',
  ],
  [
    { length: { min: 1, max: 20480 }, pattern: pattern(String.raw`^[a-zA-Z0-9+\/]+={0,2}$`) },
    'DkimSigningAttributes.DomainSigningPrivateKey',
  ],
  // The model's pattern for the URL matches any text; SES words the refusal of a bad one itself.
  [{ length: { min: 1, max: 1000 } }, 'PutAccountDetailsRequest.WebsiteURL'],
  [{ length: { max: 5000 } }, 'PutAccountDetailsRequest.UseCaseDescription'],
  [
    { length: { min: 1, max: 4 }, each: { length: { min: 6, max: 254 }, pattern: pattern('^(.+)@(.+)$') } },
    'PutAccountDetailsRequest.AdditionalContactEmailAddresses',
  ],
  [{ length: { min: 1, max: 255 } }, 'BatchGetMetricDataQuery.Id'],
  [{ length: { min: 1, max: 3 } }, 'BatchGetMetricDataQuery.Dimensions'],
  [{ length: { min: 1, max: 10 } }, 'BatchGetMetricDataRequest.Queries', 'MetricsDataSource.Metrics'],
  [{ length: { min: 1, max: 3 }, each: { length: { min: 1, max: 10 } } }, 'MetricsDataSource.Dimensions'],
  [{ range: { min: 1, max: 10000 } }, 'MessageInsightsDataSource.MaxResults'],
  [INSIGHTS_ADDRESSES, 'MessageInsightsFilters.FromEmailAddress', 'MessageInsightsFilters.Destination'],
  [{ length: { max: 1 }, each: { length: { min: 1, max: 998 } } }, 'MessageInsightsFilters.Subject'],
  [{ length: { max: 5 } }, 'MessageInsightsFilters.Isp', 'MessageInsightsFilters.LastDeliveryEvent'],
  [{ length: { max: 2 } }, 'MessageInsightsFilters.LastEngagementEvent'],
  [S3_URL, 'ImportDataSource.S3Url', 'ExportDestination.S3Url'],
  [
    ENDPOINT_NAME,
    'CreateMultiRegionEndpointRequest.EndpointName',
    'DeleteMultiRegionEndpointRequest.EndpointName',
    'GetMultiRegionEndpointRequest.EndpointName',
  ],
  [{ range: { min: 1, max: 1000 } }, 'ListMultiRegionEndpointsRequest.PageSize'],
  [
    {
      length: { min: 1, max: 5000 },
      pattern: pattern('^^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'),
    },
    'ListMultiRegionEndpointsRequest.NextToken',
  ],
  [{ length: { min: 1, max: 2 }, ...FILTER_VALUES }, 'ListRecommendationsRequest.Filter'],
  [FILTER_VALUES, 'ListReputationEntitiesRequest.Filter', 'ListTenantResourcesRequest.Filter'],
]

const TABLES: Readonly<Record<Api, ReadonlyMap<string, Rule>>> = { v1: byMember(V1), v2: byMember(V2) }

function byMember(rows: readonly Row[]): ReadonlyMap<string, Rule> {
  return new Map(rows.flatMap(([rule, ...members]) => members.map((member) => [member, rule] as const)))
}

/** The rule for `Structure.Member`, where there is one. */
export function ruleFor(api: Api, member: string): Rule | undefined {
  return TABLES[api].get(member)
}

/** The members that {@link ruleFor} knows: a test holds them against the model. */
export function constrainedMembers(api: Api): readonly string[] {
  return [...TABLES[api].keys()]
}

/** Enums whose bad values SES refuses in words of its own (`Invalid event type: NOPE. Valid values are […].`): the domain's. */
export const ENUMS_CHECKED_BY_DOMAIN: Readonly<Record<Api, ReadonlySet<string>>> = {
  v1: new Set(),
  v2: new Set([
    'EventDestinationDefinition.MatchingEventTypes',
    'PutConfigurationSetSuppressionOptionsRequest.SuppressedReasons',
    'CreateDedicatedIpPoolRequest.ScalingMode',
    'PutDedicatedIpPoolScalingAttributesRequest.ScalingMode',
  ]),
}

/** In the messages enum values stand in alphabetical order, but these: observed `[OPT_OUT, OPT_IN]`. */
const PRINTED_ORDER: Readonly<Record<string, readonly string[]>> = { SubscriptionStatus: ['OPT_OUT', 'OPT_IN'] }

/** An enum's values in the order in which AWS's messages list them. */
export function printedValues(name: string, values: readonly string[]): readonly string[] {
  return PRINTED_ORDER[name] ?? values.toSorted()
}
