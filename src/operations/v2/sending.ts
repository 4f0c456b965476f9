/** SES v2: sending. Shapes in, the pipeline, shapes out. */
import { fail } from '../../errors/fail.ts'
import { type FormattedContent, NOTHING_GIVEN, type RawContent } from '../../domain/sending/submission.ts'
import { send } from '../../domain/sending/pipeline.ts'
import type { Input, SesV2Sdk } from '../../model/service.ts'
import type { V2 } from '../handlers.ts'

type Request = Input<typeof SesV2Sdk, 'SendEmail'>
type Simple = NonNullable<Request['Content']['Simple']>
type Text = Simple['Subject']

export const sending = {
  async SendEmail(ctx, input) {
    const content = contentOf(input)
    const { Destination } = input
    const identityArn = input.FromEmailAddressIdentityArn
    const MessageId = await send(ctx, {
      ...NOTHING_GIVEN,
      surface: 'v2',
      operation: 'SendEmail',
      action: content.kind === 'raw' ? 'ses:SendRawEmail' : 'ses:SendEmail',
      sender: input.FromEmailAddress,
      destination: {
        to: Destination?.ToAddresses ?? [],
        cc: Destination?.CcAddresses ?? [],
        bcc: Destination?.BccAddresses ?? [],
      },
      replyTo: input.ReplyToAddresses ?? [],
      returnPath: input.FeedbackForwardingEmailAddress,
      // One parameter for both: it overrides X-SES-SOURCE-ARN and X-SES-FROM-ARN (SES API v2: SendEmail).
      sourceArn: identityArn,
      fromArn: identityArn,
      returnPathArn: input.FeedbackForwardingEmailAddressIdentityArn,
      tags: input.EmailTags?.map(({ Name, Value }) => ({ name: Name, value: Value })),
      configurationSet: input.ConfigurationSetName,
      tenantName: input.TenantName,
      listManagement: input.ListManagementOptions && {
        contactListName: input.ListManagementOptions.ContactListName,
        topicName: input.ListManagementOptions.TopicName ?? null,
      },
      content,
      maxBytes: ctx.config.limits.messageBytes,
    })
    return { MessageId }
  },
} satisfies Partial<V2>

/** Exactly one of the three kinds; SES's words for none or several are not known. */
function contentOf({ Content: { Simple, Raw, Template } }: Request): FormattedContent | RawContent {
  if ([Simple, Raw, Template].filter((kind) => kind !== undefined).length !== 1) {
    return fail('InvalidParameterValue', 'Content must have exactly one of Simple, Raw and Template.')
  }
  if (Raw !== undefined) return { kind: 'raw', data: Raw.Data }
  if (Simple !== undefined) return formatted(Simple)
  return fail('NotImplemented', 'SendEmail with Content.Template is not implemented in this version.')
}

function formatted({ Subject, Body, Headers = [], Attachments = [] }: Simple): FormattedContent {
  return {
    kind: 'formatted',
    subject: text(Subject),
    text: Body.Text && text(Body.Text),
    html: Body.Html && text(Body.Html),
    headers: Headers.map(({ Name, Value }) => ({ name: Name, value: Value })),
    attachments: Attachments.map((attachment) => ({
      content: attachment.RawContent,
      fileName: attachment.FileName,
      contentType: attachment.ContentType,
      disposition: attachment.ContentDisposition ?? 'ATTACHMENT',
      description: attachment.ContentDescription,
      contentId: attachment.ContentId,
      transferEncoding: attachment.ContentTransferEncoding,
    })),
  }
}

function text({ Data, Charset }: Text) {
  return { data: Data, charset: Charset }
}
