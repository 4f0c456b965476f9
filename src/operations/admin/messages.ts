/** Admin API: the messages that were accepted. */
import type { Services } from '../../domain/context.ts'
import { attachmentOf, detail, eventsOf, findMessage, rawOf, summarize } from '../../domain/reading.ts'
import { fail } from '../../errors/fail.ts'
import { countIn, paramOf, wordIn } from './request.ts'
import type { Route, RouteReply } from './route.ts'

const PAGE = { least: 1, most: 1000, ordinary: 50 }

export function messageRoutes(services: Services): readonly Route[] {
  const { store } = services
  return [
    {
      method: 'GET',
      path: '/_sesame/messages',
      access: 'admin',
      handle: async ({ query }) => list(services, query),
    },
    {
      method: 'DELETE',
      path: '/_sesame/messages',
      access: 'admin',
      async handle({ query }) {
        await store.messages.clear(wordIn(query, 'account'))
        return { status: 204 }
      },
    },
    {
      method: 'GET',
      path: '/_sesame/messages/:messageId',
      access: 'admin',
      handle: async (request) => ({
        status: 200,
        body: await detail(services, await findMessage(services, paramOf(request, 'messageId'))),
      }),
    },
    {
      method: 'DELETE',
      path: '/_sesame/messages/:messageId',
      access: 'admin',
      async handle(request) {
        const { scope, message } = await findMessage(services, paramOf(request, 'messageId'))
        await store.messages.remove(scope, message.id)
        return { status: 204 }
      },
    },
    {
      method: 'GET',
      path: '/_sesame/messages/:messageId/raw',
      access: 'admin',
      handle: async (request) =>
        download('message/rfc822', await rawOf(services, await findMessage(services, paramOf(request, 'messageId')))),
    },
    {
      method: 'GET',
      path: '/_sesame/messages/:messageId/events',
      access: 'admin',
      async handle(request) {
        const events = await eventsOf(services, await findMessage(services, paramOf(request, 'messageId')))
        // Put together as text: each event stands here letter for letter as it is published.
        const body = `{"events":[${events.join(',')}]}`
        return { status: 200, headers: { 'content-type': 'application/json' }, body }
      },
    },
    {
      method: 'GET',
      path: '/_sesame/messages/:messageId/attachments/:index',
      access: 'admin',
      async handle(request) {
        const stored = await findMessage(services, paramOf(request, 'messageId'))
        const index = paramOf(request, 'index')
        if (!/^\d{1,4}$/.test(index)) fail('Validation', 'The number of an attachment is a whole number from 0.')
        return download('application/octet-stream', await attachmentOf(services, stored, Number(index)))
      },
    },
  ]
}

/** `?to&from&subject&account&region&limit&after`: newest first; `next` is the `after` of the next page. */
async function list(services: Services, query: URLSearchParams): Promise<RouteReply> {
  const limit = countIn(query, 'limit', PAGE)
  const after = countIn(query, 'after', { least: 0, most: Number.MAX_SAFE_INTEGER, ordinary: 0 })
  const { messages, next } = await services.store.messages.page(filterOf(query), {
    limit,
    ...(after === 0 ? {} : { before: after }),
  })
  return {
    status: 200,
    body: { messages: messages.map(summarize), ...(next === undefined ? {} : { next: String(next) }) },
  }
}

/** Which messages a query means: part of a recipient, the sender, the subject; account and region exactly. */
export function filterOf(query: URLSearchParams) {
  return {
    to: wordIn(query, 'to'),
    from: wordIn(query, 'from'),
    subject: wordIn(query, 'subject'),
    account: wordIn(query, 'account'),
    region: wordIn(query, 'region'),
  }
}

/** Foreign octets on our origin: a browser shall keep them, not show them. */
function download(type: string, body: Uint8Array): RouteReply {
  const headers = {
    'content-type': type,
    'content-disposition': 'attachment',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  }
  return { status: 200, headers, body }
}
