/** All operations of both APIs: there, or said not to be there. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { CreateTemplateCommand, ListReceiptRuleSetsCommand } from '@aws-sdk/client-ses'
import { CreateContactListCommand, GetEmailTemplateCommand } from '@aws-sdk/client-sesv2'
import { operationsPage } from '../scripts/docs-operations.ts'
import { MODELS } from '../src/model/load.ts'
import { LATER_V1, LATER_V2 } from '../src/operations/later.ts'
import { resourceOf } from '../src/operations/resources.ts'
import { account as accountV1 } from '../src/operations/v1/account.ts'
import { configurationSets as configurationSetsV1 } from '../src/operations/v1/configuration-sets.ts'
import { identities as identitiesV1 } from '../src/operations/v1/identities.ts'
import { v1 } from '../src/operations/v1/index.ts'
import { sending as sendingV1 } from '../src/operations/v1/sending.ts'
import { account as accountV2 } from '../src/operations/v2/account.ts'
import { configurationSets as configurationSetsV2 } from '../src/operations/v2/configuration-sets.ts'
import { identities as identitiesV2 } from '../src/operations/v2/identities.ts'
import { v2 } from '../src/operations/v2/index.ts'
import { sending as sendingV2 } from '../src/operations/v2/sending.ts'
import { startApp } from './support/app.ts'

const APIS = {
  v1: {
    handlers: v1,
    later: LATER_V1,
    parts: [accountV1, configurationSetsV1, identitiesV1, sendingV1],
  },
  v2: {
    handlers: v2,
    later: LATER_V2,
    parts: [accountV2, configurationSetsV2, identitiesV2, sendingV2],
  },
}

for (const api of ['v1', 'v2'] as const) {
  const { handlers, later, parts } = APIS[api]

  test(`every operation of ${api} has a handler, and nothing else has`, () => {
    assert.deepEqual(Object.keys(handlers).toSorted(), Object.keys(MODELS[api].operations).toSorted())
  })

  test(`no operation of ${api} is in two places`, () => {
    const names: string[] = [...parts.flatMap((part) => Object.keys(part)), ...Object.values(later).flat()]
    assert.deepEqual(names, [...new Set(names)])
  })
}

test('docs/operations.md names all 187 operations, each once', () => {
  const rows = operationsPage().match(/^\| [A-Z]\w+ \| (yes|later: .+) \|$/gm) ?? []
  assert.equal(rows.length, 187)
})

describe('an operation of a later version', () => {
  for (const api of ['v1', 'v2'] as const) {
    test(`of ${api} says so, each by its name`, async () => {
      const names: readonly string[] = Object.values(APIS[api].later).flat()
      const handlers = new Map<string, () => Promise<unknown>>(Object.entries(APIS[api].handlers as object))
      assert.ok(names.length > 20)
      for (const name of names) {
        const message = `The operation ${name} is not implemented in this version of Sesame.`
        await assert.rejects(async () => await handlers.get(name)?.(), { failure: 'NotImplemented', message })
      }
    })
  }

  test('answers 501 with its name', async () => {
    await using app = await startApp()
    const calls = [
      app.ses.send(new ListReceiptRuleSetsCommand({})),
      app.ses.send(new CreateTemplateCommand({ Template: { TemplateName: 'a' } })),
      app.sesv2.send(new GetEmailTemplateCommand({ TemplateName: 'a' })),
      app.sesv2.send(new CreateContactListCommand({ ContactListName: 'a' })),
    ]
    const names = ['ListReceiptRuleSets', 'CreateTemplate', 'GetEmailTemplate', 'CreateContactList']
    for (const [index, result] of (await Promise.allSettled(calls)).entries()) {
      assert.equal(result.status, 'rejected')
      assert.equal(result.reason.$metadata.httpStatusCode, 501)
      assert.match(result.reason.name, /^NotImplemented(Exception)?$/)
      assert.equal(result.reason.message, `The operation ${names[index]} is not implemented in this version of Sesame.`)
    }
  })
})

describe('the resource of a v2 call', () => {
  const caller = {
    scope: { account: '000000000000', region: 'us-east-1' },
    principal: { accessKeyId: 'k', account: '000000000000', userName: 'root', arn: 'a', policy: null },
    surface: 'v2',
    requestId: 'r',
    sourceIp: '::1',
    userAgent: '',
    tlsVersion: null,
  } as const
  const rows: readonly (readonly [input: unknown, resource: string])[] = [
    [{ EmailIdentity: 'example.com' }, 'arn:aws:ses:us-east-1:000000000000:identity/example.com'],
    [{ ConfigurationSetName: 'a' }, 'arn:aws:ses:us-east-1:000000000000:configuration-set/a'],
    [{ EmailIdentity: 'a@b.c', ConfigurationSetName: 'a' }, 'arn:aws:ses:us-east-1:000000000000:identity/a@b.c'],
    [{ ResourceArn: 'arn:aws:ses:us-east-1:0:template/t', TagKeys: [] }, 'arn:aws:ses:us-east-1:0:template/t'],
    [{}, '*'],
    [undefined, '*'],
  ]
  for (const [input, resource] of rows) {
    test(`${JSON.stringify(input)} is ${resource}`, () => assert.equal(resourceOf(caller, input), resource))
  }
})
