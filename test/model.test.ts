/** The model's data against the SDK packages that it was extracted from, and our own tables against the data. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { MODEL_FILES, extractModel, serialize } from '../scripts/extract-model.ts'
import { ENUMS_CHECKED_BY_DOMAIN, constrainedMembers, printedValues, ruleFor } from '../src/model/constraints.ts'
import { matchPath } from '../src/http/router.ts'
import { EARLIER_ROUTES } from '../src/model/earlier-routes.ts'
import type { Api } from '../src/model/load.ts'
import { MODELS } from '../src/model/load.ts'
import { listedNumbers } from '../src/model/numbers.ts'
import type { Member, Structure, Type } from '../src/model/shapes.ts'
import { findOperation } from '../src/model/shapes.ts'

type OlderModel = {
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly http: { readonly method?: string; readonly requestUri: string }
        readonly input?: { readonly members?: Readonly<Record<string, { location?: string; locationName?: string }>> }
      }
    >
  >
}
const PLACES: Readonly<Record<string, string>> = { body: 'body', uri: 'label', querystring: 'query' }

function typeOf(api: Api, id: string): string | undefined {
  const [structure = '', member = ''] = id.split('.')
  return MODELS[api].structures[structure]?.members[member]
}

for (const api of ['v1', 'v2'] as const) {
  describe(`the model of ${api}`, () => {
    test('is what the installed SDK says (npm run model writes it)', () => {
      assert.equal(readFileSync(MODEL_FILES[api], 'utf8'), serialize(extractModel(api)))
    })

    test('every member has a type that is there', () => {
      const { structures, enums } = MODELS[api]
      const scalars = new Set(['string', 'boolean', 'number', 'timestamp', 'blob'])
      const unknown = Object.entries(structures).flatMap(([name, { members }]) =>
        Object.entries(members)
          .filter(([, type]) =>
            (type.match(/\w+/g) ?? []).some((word) => !scalars.has(word) && !structures[word] && !enums[word]),
          )
          .map(([member]) => `${name}.${member}`),
      )
      assert.deepEqual(unknown, [])
    })

    test('no name is both an enum and a structure', () => {
      const { structures, enums } = MODELS[api]
      assert.deepEqual(
        Object.keys(enums).filter((name) => structures[name]),
        [],
      )
    })

    test('no structure holds itself, so that codecs may be compiled in depth', () => {
      const walk = (structure: Structure, above: readonly string[]): void => {
        assert.ok(!above.includes(structure.name), `${structure.name} holds itself`)
        for (const { type } of structure.members) visit(type, [...above, structure.name])
      }
      const visit = (type: Type, above: readonly string[]): void => {
        if (type.kind === 'list') visit(type.element, above)
        else if (type.kind === 'map') visit(type.value, above)
        else if (type.kind === 'structure') walk(type.structure, above)
      }
      for (const name of Object.keys(MODELS[api].operations)) {
        const operation = findOperation(api, name)!
        walk(operation.input, [])
        walk(operation.output, [])
      }
    })

    test('every constraint is on a member that it fits', () => {
      for (const id of constrainedMembers(api)) {
        const type = typeOf(api, id)
        assert.ok(type, `${id} is not in the model`)
        const rule = ruleFor(api, id)!
        const isCollection = type.endsWith('[]') || type.startsWith('{')
        assert.equal(rule.range !== undefined, type === 'number', `${id}: a range is for numbers`)
        assert.ok(rule.each === undefined || isCollection, `${id}: \`each\` is for lists and maps`)
        assert.ok(rule.pattern === undefined || type === 'string', `${id}: a pattern is for text`)
      }
    })

    test('the tables of numbers and of enums name members of that kind', () => {
      for (const id of listedNumbers(api)) assert.match(typeOf(api, id) ?? 'nothing', /^number(\[\])?$/, id)
      for (const id of ENUMS_CHECKED_BY_DOMAIN[api]) {
        assert.ok(MODELS[api].enums[typeOf(api, id)?.replace('[]', '') ?? ''], `${id} is no enum`)
      }
    })

    test('enums print their values in alphabetical order, but for those observed otherwise', () => {
      for (const [name, values] of Object.entries(MODELS[api].enums)) {
        const printed = printedValues(name, values)
        assert.deepEqual(printed.toSorted(), values.toSorted())
        if (name !== 'SubscriptionStatus') assert.deepEqual(printed, values.toSorted())
      }
    })
  })
}

describe('the routes of earlier clients', () => {
  const older = createRequire(import.meta.url)('aws-sdk/apis/sesv2-2019-09-27.min.json') as OlderModel

  test('lead to the same operation, with the same members in path and query string', () => {
    for (const [name, { http, input }] of Object.entries(older.operations)) {
      const match = matchPath(http.method ?? 'POST', http.requestUri.replaceAll(/\{\w+\}/g, 'x'))
      assert.ok(match, http.requestUri)
      assert.equal(match.operation.name, name)
      for (const [member, { location, locationName = member }] of Object.entries(input?.members ?? {})) {
        const now: Member | undefined = match.operation.input.members.find((each) => each.name === member)
        assert.ok(now, `${name}.${member}`)
        const place: string = match.queries.includes(member) ? 'query' : now.place
        assert.equal(place, PLACES[location ?? 'body'], `${name}.${member}`)
        if (place === 'query') assert.equal(locationName, now.queryName)
      }
    }
  })

  test('are not the routes of today', () => {
    for (const { operation, method, path } of EARLIER_ROUTES) {
      const today = MODELS.v2.operations[operation]
      assert.notDeepEqual([today?.method, today?.path], [method, path])
      const taken = Object.entries(MODELS.v2.operations).filter(([, now]) => now.method === method && now.path === path)
      assert.deepEqual(taken, [])
    }
  })
})

describe('enums found in the type declarations', () => {
  test('members of every form of type have theirs', () => {
    assert.equal(typeOf('v1', 'DeliveryOptions.TlsPolicy'), 'TlsPolicy')
    assert.equal(typeOf('v1', 'EventDestination.MatchingEventTypes'), 'EventType[]')
    assert.equal(typeOf('v2', 'PutSuppressedDestinationRequest.Reason'), 'SuppressionListReason')
    assert.equal(typeOf('v2', 'MetricsDataSource.Dimensions'), '{MetricDimensionName:string[]}')
    assert.deepEqual(MODELS.v1.enums['SNSActionEncoding'], ['Base64', 'UTF-8'])
  })
})
