/** Configuration sets through both APIs: one set, two vocabularies. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  CreateConfigurationSetCommand,
  DeleteConfigurationSetCommand,
  DescribeConfigurationSetCommand,
  ListConfigurationSetsCommand,
  UpdateConfigurationSetReputationMetricsEnabledCommand,
  UpdateConfigurationSetSendingEnabledCommand,
} from '@aws-sdk/client-ses'
import {
  CreateConfigurationSetCommand as CreateV2,
  type CreateConfigurationSetCommandInput,
  CreateEmailIdentityCommand,
  DeleteConfigurationSetCommand as DeleteV2,
  GetConfigurationSetCommand as GetV2,
  ListConfigurationSetsCommand as ListV2,
  PutConfigurationSetReputationOptionsCommand as PutReputation,
  PutConfigurationSetSendingOptionsCommand as PutSending,
} from '@aws-sdk/client-sesv2'
import { setReputationMetricsEnabled, setSendingEnabled } from '../src/domain/configuration-sets.ts'
import { startApp, type TestApp } from './support/app.ts'

const NAME = 'orders'

async function get(app: TestApp, name = NAME) {
  const { $metadata: _, ...set } = await app.sesv2.send(new GetV2({ ConfigurationSetName: name }))
  return set
}

async function startWith(names: readonly string[]) {
  const app = await startApp()
  for (const name of names) await app.sesv2.send(new CreateV2({ ConfigurationSetName: name }))
  return app
}

describe('creating', () => {
  test('through v1 makes a set without reputation metrics', async () => {
    await using app = await startApp()
    await app.ses.send(new CreateConfigurationSetCommand({ ConfigurationSet: { Name: NAME } }))
    assert.deepEqual(await get(app), {
      ConfigurationSetName: NAME,
      ReputationOptions: { ReputationMetricsEnabled: false },
      SendingOptions: { SendingEnabled: true },
      Tags: [],
    })
  })

  test('through v2 makes a set with reputation metrics, and keeps every option', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateV2({ ConfigurationSetName: 'plain' }))
    assert.equal((await get(app, 'plain')).ReputationOptions?.ReputationMetricsEnabled, true)
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
    const options: CreateConfigurationSetCommandInput = {
      ConfigurationSetName: NAME,
      TrackingOptions: { CustomRedirectDomain: 'click.example.com', HttpsPolicy: 'REQUIRE' },
      DeliveryOptions: { TlsPolicy: 'REQUIRE', SendingPoolName: 'ses-shared-pool', MaxDeliverySeconds: 300 },
      ReputationOptions: { ReputationMetricsEnabled: false },
      SendingOptions: { SendingEnabled: false },
      Tags: [{ Key: 'team', Value: 'shop' }],
      SuppressionOptions: { SuppressedReasons: [] },
      VdmOptions: {
        DashboardOptions: { EngagementMetrics: 'ENABLED' },
        GuardianOptions: { OptimizedSharedDelivery: 'DISABLED' },
      },
    }
    await app.sesv2.send(new CreateV2(options))
    assert.deepEqual(await get(app), options)
    const { $metadata: _, ...described } = await app.ses.send(
      new DescribeConfigurationSetCommand({
        ConfigurationSetName: NAME,
        ConfigurationSetAttributeNames: [
          'trackingOptions',
          'deliveryOptions',
          'reputationOptions',
          'eventDestinations',
        ],
      }),
    )
    assert.deepEqual(described, {
      ConfigurationSet: { Name: NAME },
      EventDestinations: [],
      TrackingOptions: { CustomRedirectDomain: 'click.example.com' },
      DeliveryOptions: { TlsPolicy: 'Require' },
      ReputationOptions: { SendingEnabled: false, ReputationMetricsEnabled: false },
    })
  })

  test('describes only what is asked for', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME }))
    const { $metadata: _, ...described } = await app.ses.send(
      new DescribeConfigurationSetCommand({ ConfigurationSetName: NAME }),
    )
    assert.deepEqual(described, { ConfigurationSet: { Name: NAME } })
  })

  test('a name that is taken is refused', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME }))
    const message = `Configuration set <${NAME}> already exists.`
    await assert.rejects(app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME })), {
      name: 'AlreadyExistsException',
      message,
    })
    await assert.rejects(app.ses.send(new CreateConfigurationSetCommand({ ConfigurationSet: { Name: NAME } })), {
      name: 'ConfigurationSetAlreadyExistsException',
      message,
      ConfigurationSetName: NAME,
    })
    await app.clients('eu-west-1').sesv2.send(new CreateV2({ ConfigurationSetName: NAME }))
  })

  const names: readonly (readonly [name: string, message: string])[] = [
    [
      'bad name',
      "Invalid configuration set name <bad name>: only alphanumeric ASCII characters, '_', and '-' are allowed.",
    ],
    ['näme', "Invalid configuration set name <näme>: only alphanumeric ASCII characters, '_', and '-' are allowed."],
    [`.${'n'.repeat(64)}`, 'Configuration set name cannot exceed 64 characters.'],
    ['', 'The configuration set name must be specified.'],
  ]
  for (const [name, message] of names) {
    test(`refuses the name ${JSON.stringify(name)}`, async () => {
      await using app = await startApp()
      await assert.rejects(app.sesv2.send(new CreateV2({ ConfigurationSetName: name })), {
        name: 'BadRequestException',
        message,
      })
      await assert.rejects(app.ses.send(new CreateConfigurationSetCommand({ ConfigurationSet: { Name: name } })), {
        name: 'InvalidParameterValue',
        message,
      })
      if (name !== '') {
        await assert.rejects(app.sesv2.send(new GetV2({ ConfigurationSetName: name })), {
          name: 'BadRequestException',
          message,
        })
      }
    })
  }

  const options: readonly (readonly [
    what: string,
    options: Partial<CreateConfigurationSetCommandInput>,
    message: string,
  ])[] = [
    [
      'a redirect domain of somebody else',
      { TrackingOptions: { CustomRedirectDomain: 'other.example' } },
      'Domain <other.example> is not verified under this account.',
    ],
    [
      'a blank redirect domain',
      { TrackingOptions: { CustomRedirectDomain: ' ' } },
      'CustomRedirectDomain must be specified.',
    ],
    ['a blank sending pool', { DeliveryOptions: { SendingPoolName: '' } }, "sendingPoolName can't be blank."],
    ['an unknown sending pool', { DeliveryOptions: { SendingPoolName: 'mine' } }, "SendingPool <mine> doesn't exist"],
    [
      'too short a delivery',
      { DeliveryOptions: { MaxDeliverySeconds: 299 } },
      'Member must have value greater than or equal to 300',
    ],
    [
      'an unknown reason',
      { SuppressionOptions: { SuppressedReasons: ['SPAM' as 'BOUNCE'] } },
      '[Member must satisfy enum value set: [BOUNCE, COMPLAINT]]',
    ],
    [
      'a tag given twice',
      {
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'a', Value: '2' },
        ],
      },
      'a',
    ],
  ]
  for (const [what, given, message] of options) {
    test(`refuses ${what}, and makes nothing`, async () => {
      await using app = await startApp()
      await assert.rejects(app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME, ...given })), (error: Error) => {
        assert.equal(error.name, 'BadRequestException')
        assert.ok(error.message.includes(message), error.message)
        return true
      })
      await assert.rejects(get(app), { name: 'NotFoundException' })
    })
  }

  test('an empty SendingOptions switches sending off, an empty SuppressionOptions fails as it does at SES', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME, SendingOptions: {}, ReputationOptions: {} }))
    const set = await get(app)
    assert.deepEqual(set.SendingOptions, { SendingEnabled: false })
    assert.deepEqual(set.ReputationOptions, { ReputationMetricsEnabled: true })
    await assert.rejects(
      app.sesv2.send(new CreateV2({ ConfigurationSetName: 'other', SuppressionOptions: {} })),
      (error: Error) => {
        assert.deepEqual([error.name, error.message], ['InternalFailure', 'An internal failure has occurred.'])
        return true
      },
    )
  })

  test('what is not kept yet says so', async () => {
    await using app = await startApp()
    const input: CreateConfigurationSetCommandInput = {
      ConfigurationSetName: NAME,
      SuppressionOptions: { SuppressedReasons: [], SuppressionScope: 'ACCOUNT' },
    }
    await assert.rejects(app.sesv2.send(new CreateV2(input)), { name: 'NotImplementedException' })
  })
})

describe('what is not there', () => {
  test('is told by each operation, in the words of its API', async () => {
    await using app = await startApp()
    const message = 'Configuration set <missing> does not exist.'
    const ConfigurationSetName = 'missing'
    const v2 = [
      new GetV2({ ConfigurationSetName }),
      new DeleteV2({ ConfigurationSetName }),
      new PutSending({ ConfigurationSetName }),
      new PutReputation({ ConfigurationSetName }),
    ] as const
    for (const command of v2) {
      await assert.rejects(app.sesv2.send(command), { name: 'NotFoundException', message })
    }
    const v1 = [
      new DescribeConfigurationSetCommand({ ConfigurationSetName }),
      new DeleteConfigurationSetCommand({ ConfigurationSetName }),
      new UpdateConfigurationSetSendingEnabledCommand({ ConfigurationSetName, Enabled: true }),
      new UpdateConfigurationSetReputationMetricsEnabledCommand({ ConfigurationSetName, Enabled: true }),
    ] as const
    for (const command of v1) {
      await assert.rejects(app.ses.send(command as DescribeConfigurationSetCommand), {
        name: 'ConfigurationSetDoesNotExistException',
        message,
        ConfigurationSetName,
      })
    }
  })

  test('after it was deleted through either API', async () => {
    await using app = await startApp()
    for (const remove of [
      () => app.sesv2.send(new DeleteV2({ ConfigurationSetName: NAME })),
      () => app.ses.send(new DeleteConfigurationSetCommand({ ConfigurationSetName: NAME })),
    ]) {
      await app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME }))
      await remove()
      await assert.rejects(get(app), { name: 'NotFoundException' })
    }
  })
})

describe('switching', () => {
  test('sending off and on starts the reputation afresh', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME }))
    await app.sesv2.send(new PutSending({ ConfigurationSetName: NAME }))
    assert.deepEqual((await get(app)).SendingOptions, { SendingEnabled: false })
    await app.ses.send(new UpdateConfigurationSetSendingEnabledCommand({ ConfigurationSetName: NAME, Enabled: true }))
    const set = await get(app)
    assert.deepEqual(set.SendingOptions, { SendingEnabled: true })
    assert.deepEqual(set.ReputationOptions, {
      ReputationMetricsEnabled: true,
      LastFreshStart: new Date(app.clock.now()),
    })
  })

  test('sending and reputation metrics at the same time loses neither', async () => {
    await using app = await startApp()
    const { services } = app
    const scope = { account: services.config.accountId, region: 'us-east-1' }
    await app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME, SendingOptions: {} }))
    await Promise.all([
      setSendingEnabled(services, scope, NAME, true),
      setReputationMetricsEnabled(services, scope, NAME, false),
    ])
    assert.deepEqual((await get(app)).ReputationOptions, {
      ReputationMetricsEnabled: false,
      LastFreshStart: new Date(app.clock.now()),
    })
  })

  test('reputation metrics, where an absent flag is off', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateV2({ ConfigurationSetName: NAME }))
    await app.sesv2.send(new PutReputation({ ConfigurationSetName: NAME }))
    assert.deepEqual((await get(app)).ReputationOptions, { ReputationMetricsEnabled: false })
    await app.ses.send(
      new UpdateConfigurationSetReputationMetricsEnabledCommand({ ConfigurationSetName: NAME, Enabled: true }),
    )
    assert.deepEqual((await get(app)).ReputationOptions, { ReputationMetricsEnabled: true })
  })
})

describe('listing', () => {
  test('goes page by page in the order of names, through both APIs with one kind of token', async () => {
    await using app = await startWith(['c', 'a', 'd', 'b', 'e'])
    const first = await app.sesv2.send(new ListV2({ PageSize: 2 }))
    assert.deepEqual(first.ConfigurationSets, ['a', 'b'])
    const second = await app.ses.send(new ListConfigurationSetsCommand({ MaxItems: 2, NextToken: first.NextToken }))
    assert.deepEqual(second.ConfigurationSets, [{ Name: 'c' }, { Name: 'd' }])
    const third = await app.sesv2.send(new ListV2({ PageSize: 2, NextToken: second.NextToken }))
    assert.deepEqual(third.ConfigurationSets, ['e'])
    assert.equal(third.NextToken, undefined)
  })

  test('of nothing is an empty list', async () => {
    await using app = await startWith([])
    assert.deepEqual((await app.sesv2.send(new ListV2({}))).ConfigurationSets, [])
  })

  test('shows 50 where no size is given; v1 takes a size out of bounds for none', async () => {
    await using app = await startWith(Array.from({ length: 51 }, (_, n) => `set-${String(n).padStart(2, '0')}`))
    const page = await app.sesv2.send(new ListV2({}))
    assert.equal(page.ConfigurationSets?.length, 50)
    assert.ok(page.NextToken)
    assert.equal(
      (await app.ses.send(new ListConfigurationSetsCommand({ MaxItems: 1001 }))).ConfigurationSets?.length,
      50,
    )
    assert.equal(
      (await app.ses.send(new ListConfigurationSetsCommand({ MaxItems: 1000 }))).ConfigurationSets?.length,
      51,
    )
  })

  test('v2 refuses a size out of bounds', async () => {
    await using app = await startWith([])
    for (const PageSize of [0, 1001]) {
      await assert.rejects(app.sesv2.send(new ListV2({ PageSize })), {
        name: 'BadRequestException',
        message: 'The page size must be between 1 and 1000',
      })
    }
  })

  test('refuses a token that it did not give out', async () => {
    await using app = await startWith(['a', 'b'])
    await assert.rejects(app.sesv2.send(new ListV2({ NextToken: 'nonsense' })), {
      name: 'BadRequestException',
      message: 'invalid nextToken nonsense',
    })
    await assert.rejects(app.ses.send(new ListConfigurationSetsCommand({ NextToken: 'nonsense' })), {
      name: 'InvalidParameterValue',
    })
    const { NextToken } = await app.sesv2.send(new ListV2({ PageSize: 1 }))
    await assert.rejects(app.clients('eu-west-1').sesv2.send(new ListV2({ NextToken })), {
      name: 'BadRequestException',
    })
  })

  test('finds names by a part of them', async () => {
    await using app = await startWith(['Filter-Alpha', 'filter-beta', 'other'])
    const Filter = { CONFIGURATION_SET_NAME_CONTAINS: 'FILTER' }
    const first = await app.sesv2.send(new ListV2({ Filter, PageSize: 1 }))
    assert.deepEqual(first.ConfigurationSets, ['Filter-Alpha'])
    const second = await app.sesv2.send(new ListV2({ Filter, NextToken: first.NextToken }))
    assert.deepEqual(second.ConfigurationSets, ['filter-beta'])
    assert.equal(second.NextToken, undefined)
    await assert.rejects(app.sesv2.send(new ListV2({ Filter: { CONFIGURATION_SET_NAME_CONTAINS: 'ab' } })), {
      message: 'CONFIGURATION_SET_NAME_CONTAINS must be between 3 and 64 characters',
    })
  })
})
