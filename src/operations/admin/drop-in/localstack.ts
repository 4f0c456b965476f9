/** LocalStack's `/_aws/ses`, for suites written against it: what was sent, in its shape, and forgetting it. */
import type { Services } from '../../../domain/context.ts'
import { contentOf, rawOf, sentMessages } from '../../../domain/reading.ts'
import { wordIn } from '../request.ts'
import type { Route } from '../route.ts'
import { destinationOf, type Stored } from './sent.ts'

const PATH = '/_aws/ses'

/**
 * `GET ?id&email` gives `{"messages":[…]}`, oldest first, of all accounts and regions; `email` is the sender exactly.
 * `DELETE ?id` forgets one, or all without `id`.
 */
export function localstackRoutes(services: Services): readonly Route[] {
  const { messages } = services.store
  return [
    {
      method: 'GET',
      path: PATH,
      access: 'controls',
      async handle({ query }) {
        const id = wordIn(query, 'id')
        const email = wordIn(query, 'email')
        const all = id === undefined ? await sentMessages(services) : await one(services, id)
        const wanted = all.filter(({ message }) => email === undefined || message.source === email)
        const shown: object[] = []
        for (const stored of wanted) shown.push(await view(services, stored))
        return { status: 200, body: { messages: shown } }
      },
    },
    {
      method: 'DELETE',
      path: PATH,
      access: 'controls',
      async handle({ query }) {
        const id = wordIn(query, 'id')
        if (id === undefined) await messages.clear(undefined)
        else for (const { scope } of await one(services, id)) await messages.remove(scope, id)
        return { status: 204 }
      },
    },
  ]
}

async function one({ store }: Services, id: string): Promise<readonly Stored[]> {
  const stored = await store.messages.find(id)
  return stored === undefined ? [] : [stored]
}

/** Formatted mail has Destination, Subject and Body; raw mail has RawData. Members stand in LocalStack's order. */
async function view(services: Services, stored: Stored): Promise<object> {
  const { scope, message } = stored
  const head = { Id: message.id, Region: scope.region }
  // UTC without a zone, to the second.
  const Timestamp = new Date(message.acceptedAt).toISOString().slice(0, 19)
  if (message.isRaw) {
    const RawData = Buffer.from(await rawOf(services, stored)).toString('utf8')
    return { ...head, Source: message.source, RawData, Timestamp }
  }
  const { text, html } = await contentOf(services, stored)
  const { to, cc, bcc } = await destinationOf(services, stored)
  const Destination = {
    ...(to.length > 0 ? { ToAddresses: to } : {}),
    ...(cc.length > 0 ? { CcAddresses: cc } : {}),
    ...(bcc.length > 0 ? { BccAddresses: bcc } : {}),
  }
  return {
    ...head,
    Destination,
    Source: message.source,
    Subject: message.commonHeaders.subject ?? '',
    Body: { text_part: text, html_part: html },
    Timestamp,
  }
}
