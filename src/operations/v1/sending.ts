/** SES v1: sending. Shapes in, the pipeline, shapes out. */
import { NOTHING_GIVEN, type Tag } from '../../domain/sending/submission.ts'
import { send } from '../../domain/sending/pipeline.ts'
import type { V1 } from '../handlers.ts'

type MessageTag = { readonly Name: string; readonly Value: string }

export const sending = {
  async SendEmail(ctx, input) {
    const { Destination, Message } = input
    const MessageId = await send(ctx, {
      ...NOTHING_GIVEN,
      surface: 'v1',
      operation: 'SendEmail',
      action: 'ses:SendEmail',
      sender: input.Source,
      destination: {
        to: Destination.ToAddresses ?? [],
        cc: Destination.CcAddresses ?? [],
        bcc: Destination.BccAddresses ?? [],
      },
      replyTo: input.ReplyToAddresses ?? [],
      returnPath: input.ReturnPath,
      sourceArn: input.SourceArn,
      returnPathArn: input.ReturnPathArn,
      tags: input.Tags?.map(tag),
      configurationSet: input.ConfigurationSetName,
      content: {
        kind: 'formatted',
        subject: text(Message.Subject),
        text: Message.Body.Text && text(Message.Body.Text),
        html: Message.Body.Html && text(Message.Body.Html),
        headers: [],
        attachments: [],
      },
      maxBytes: ctx.config.limits.v1MessageBytes,
    })
    return { MessageId }
  },

  async SendRawEmail(ctx, input) {
    const MessageId = await send(ctx, {
      ...NOTHING_GIVEN,
      surface: 'v1',
      operation: 'SendRawEmail',
      action: 'ses:SendRawEmail',
      sender: input.Source,
      envelope: input.Destinations ?? [],
      sourceArn: input.SourceArn,
      fromArn: input.FromArn,
      returnPathArn: input.ReturnPathArn,
      tags: input.Tags?.map(tag),
      configurationSet: input.ConfigurationSetName,
      content: { kind: 'raw', data: input.RawMessage.Data },
      maxBytes: ctx.config.limits.v1MessageBytes,
    })
    return { MessageId }
  },
} satisfies Partial<V1>

function tag({ Name, Value }: MessageTag): Tag {
  return { name: Name, value: Value }
}

function text({ Data, Charset }: { Data: string; Charset?: string | undefined }) {
  return { data: Data, charset: Charset }
}
