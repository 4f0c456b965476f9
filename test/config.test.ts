import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { configurationPage, flagsHelp } from '../src/config/describe.ts'
import { defaultConfig, loadConfig, settingKeys, type Loaded } from '../src/config/load.ts'
import { SETTINGS, variableOf } from '../src/config/schema.ts'
import { limitsOf } from '../src/config/shaping.ts'

type Given = { args?: string[]; env?: Record<string, string>; files?: Record<string, string> }

function load({ args = [], env = {}, files = {} }: Given): Promise<Loaded> {
  return loadConfig({
    args,
    env,
    readFile: async (path) => {
      const text = files[path]
      if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
      return text
    },
  })
}

async function good(given: Given) {
  const loaded = await load(given)
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.join('\n'))
  return loaded.config
}

async function errors(given: Given): Promise<readonly string[]> {
  const loaded = await load(given)
  assert.ok(!loaded.ok, 'it was taken')
  return loaded.errors
}

test("nothing set is a developer's SES on the well-known ports", async () => {
  const config = await good({})
  assert.equal(config.profile, 'local')
  assert.equal(config.database, 'sqlite:.sesame/sesame.db')
  assert.deepEqual([config.httpPort, config.smtpPort, config.smtpsPort, config.inboundPort], [8005, 2587, 2465, 2525])
  assert.deepEqual([...config.roles], ['api', 'smtp', 'inbound', 'delivery', 'events'])
  assert.equal(config.host, '127.0.0.1')
  assert.equal(config.accountId, '000000000000')
  assert.equal(config.transport, 'capture')
  assert.equal(config.max24HourSend, -1)
  assert.equal(config.maxSendRate, 1000)
  assert.deepEqual(config, defaultConfig('local'))
})

test('profiles differ in defaults, and any of them can be set otherwise', async () => {
  const strict = await good({ args: ['--profile', 'strict'] })
  assert.deepEqual(
    [strict.autoVerify, strict.productionAccess, strict.max24HourSend, strict.maxSendRate, strict.requireTls],
    [false, false, 200, 1, true],
  )
  const production = await good({ args: ['--profile', 'production', '--hostname', 'Mail.Example.com'] })
  assert.deepEqual(
    [production.controls, production.transport, production.mailDomain],
    [false, 'direct', 'mail.example.com'],
  )
  const mixed = await good({
    args: ['--profile=strict', '--auto-verify', '--no-require-tls', '--max-24-hour-send', '-1'],
  })
  assert.deepEqual([mixed.autoVerify, mixed.requireTls, mixed.max24HourSend], [true, false, -1])
  assert.equal((await good({ args: ['--auto-verify=false'] })).autoVerify, false)
  assert.equal((await good({ args: ['--auto-verify', 'false', '--controls'] })).autoVerify, false)
})

test('a flag wins over a variable, a variable over the file, the file over the profile', async () => {
  const files = { 'sesame.yaml': 'profile: strict\nhttp-port: 1\nsmtp-port: 1001\nsmtps-port: 1002\n' }
  const config = await good({
    args: ['--config', 'sesame.yaml', '--http-port', '3'],
    env: { SESAME_HTTP_PORT: '2', SESAME_SMTP_PORT: '2001' },
    files,
  })
  assert.deepEqual([config.httpPort, config.smtpPort, config.smtpsPort, config.inboundPort], [3, 2001, 1002, 2525])
  assert.equal(config.maxSendRate, 1)
  assert.equal((await good({ env: { SESAME_CONFIG: 'sesame.yaml' }, files })).profile, 'strict')
})

test('a file may hold lists, numbers and switches', async () => {
  const text =
    'roles: [api, smtp]\ncors-origins:\n  - https://a.example\n  - http://b.example:8080\nrequire-tls: true\nmax-send-rate: 2.5\naccount-id: 000000000012\n'
  const config = await good({ args: ['--config=c.yaml'], files: { 'c.yaml': text } })
  assert.deepEqual([...config.roles], ['api', 'smtp'])
  assert.deepEqual(config.corsOrigins, ['https://a.example', 'http://b.example:8080'])
  assert.equal(config.requireTls, true)
  assert.equal(config.maxSendRate, 2.5)
  assert.equal(config.accountId, '000000000012')
})

test('a smarthost is a URL, whose password no error shows', async () => {
  const given = async (url: string) =>
    (await good({ args: ['--transport', 'smarthost', '--smarthost', url] })).smarthost
  assert.deepEqual(await given('smtp://relay.example'), {
    host: 'relay.example',
    port: 587,
    tls: 'optional',
    credentials: undefined,
  })
  assert.deepEqual(await given('smtps://ann%40example.com:p%3Aw@[2001:db8::1]:2465?tls=tls-unverified'), {
    host: '2001:db8::1',
    port: 2465,
    tls: 'tls-unverified',
    credentials: { user: 'ann@example.com', password: 'p:w' },
  })
  assert.deepEqual(await errors({ args: ['--transport', 'smarthost'] }), [
    '--transport smarthost needs a server: give it with --smarthost.',
  ])
  for (const url of ['http://x', 'smtp://', 'smtp://u:secret@h?tls=none', 'smtp://u:%zz@h', 'smtps://h?tls=starttls']) {
    const [error = ''] = await errors({ args: ['--smarthost', url] })
    assert.match(error, /^--smarthost: the value /)
    assert.doesNotMatch(error, /secret/)
  }
})

test('addresses that mail leaves from are listed with their names and pools', async () => {
  const { egress } = await good({ args: ['--egress', '192.0.2.1=Out1.example.com, 2001:db8::1=out2.example.com@news'] })
  assert.deepEqual(egress, [
    { address: '192.0.2.1', name: 'out1.example.com', pool: 'ses-shared-pool' },
    { address: '2001:db8::1', name: 'out2.example.com', pool: 'news' },
  ])
  const twice = '192.0.2.1=a.example,192.0.2.1=b.example'
  for (const value of ['192.0.2.1', 'out1.example.com=192.0.2.1', '192.0.2.1=a@b c', twice]) {
    assert.equal((await errors({ args: ['--egress', value] })).length, 1, value)
  }
})

test('the config cannot be changed', async () => {
  const config = await good({})
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.limits) && Object.isFrozen(config.corsOrigins))
})

test('a SQLite file stands in the data directory unless its path is absolute', async () => {
  assert.equal((await good({ args: ['--data-dir', '/var/lib/sesame'] })).database, 'sqlite:/var/lib/sesame/sesame.db')
  assert.equal((await good({ args: ['--data-dir', 'd', '--database', 'sqlite:x.db'] })).database, 'sqlite:d/x.db')
  assert.equal((await good({ args: ['--database', 'sqlite:/tmp/x.db'] })).database, 'sqlite:/tmp/x.db')
  assert.equal((await good({ args: ['--database', 'postgres://u@h/d'] })).database, 'postgres://u@h/d')
})

test('servers and addresses are taken in the forms that people write', async () => {
  const dns = async (server: string) => (await good({ args: ['--dns', server] })).dns
  assert.equal(await dns('127.0.0.1:5353'), '127.0.0.1:5353')
  assert.equal(await dns('localhost:5353'), '127.0.0.1:5353')
  assert.equal(await dns('::1'), '::1')
  assert.equal(await dns('[::1]:53'), '[::1]:53')
  assert.equal((await good({ args: ['--host', '[::1]'] })).host, '::1')
  assert.equal(
    (await good({ args: ['--public-url', 'https://mail.example.com/ses/'] })).publicUrl,
    'https://mail.example.com/ses',
  )
})

test('what is wrong is said all at once, each with its place and its remedy', async () => {
  const found = await errors({
    args: [
      '--http-prot',
      '80',
      '--smtp-port',
      '70000',
      '--profile=prod',
      'stray',
      '--dns',
      'dns.example',
      '--inbound-port',
    ],
    env: { SESAME_MAX_SEND_RATE: 'fast' },
    files: {},
  })
  assert.deepEqual(found, [
    'there is no flag --http-prot. Did you mean --http-port?',
    '"stray" is not expected here.',
    '--inbound-port needs a value: --inbound-port PORT.',
    '--profile: "prod" is not one of local, strict, production.',
    '--smtp-port: "70000" is not a whole number from 0 to 65535.',
    '--dns: "dns.example" is not the IP address of a DNS server, with or without a port.',
    'SESAME_MAX_SEND_RATE: "fast" is not a number above 0.',
  ])
})

test('a bad file is told by its name', async () => {
  const of = (text: string) => errors({ args: ['--config', 'c.yaml'], files: { 'c.yaml': text } })
  assert.deepEqual(await errors({ args: ['--config', 'gone.yaml'] }), [
    "gone.yaml: ENOENT: no such file or directory, open 'gone.yaml'",
  ])
  assert.deepEqual(await of('htttp-port: 1'), ['c.yaml: there is no key htttp-port. Did you mean http-port?'])
  assert.deepEqual(await of('http-port: {a: 1}'), ['c.yaml: http-port needs a plain value or a list of them.'])
  assert.deepEqual(await of('roles: [api, mail]'), [
    'c.yaml: roles: "api,mail": "mail" is not one of api, smtp, inbound, delivery, events.',
  ])
  assert.deepEqual(await of('- a'), ['c.yaml: expected lines of the form "name: value".'])
  assert.match((await of('a: [1'))[0]!, /^c\.yaml: /)
  assert.deepEqual(await of('__proto__: 1'), ['c.yaml: there is no key __proto__.'])
})

test('settings that do not go together are refused', async () => {
  assert.deepEqual(await errors({ args: ['--tls-cert', 'c.pem'] }), [
    '--tls-cert and --tls-key go together: give both or neither.',
  ])
  assert.deepEqual(await errors({ args: ['--http-port', '2525'] }), [
    'two listeners are to have port 2525: give each its own.',
  ])
  await good({ args: ['--http-port', '0', '--smtp-port', '0', '--smtps-port', '0', '--inbound-port', '0'] })
})

test('a secret is not repeated in an error', async () => {
  const found = await errors({ args: ['--admin-token', 'open sesame'] })
  assert.deepEqual(found, ['--admin-token: the value is not a bearer token (RFC 6750).'])
})

test('an unknown variable is a warning, and those of Kubernetes and of the commands are none', async () => {
  const env = {
    SESAME_HTTP_PROT: '1',
    SESAME_PORT: 'tcp://10.0.0.1:80',
    SESAME_SERVICE_HOST: '10.0.0.1',
    SESAME_URL: 'http://x',
    OTHER: '1',
  }
  const loaded = await load({ env })
  assert.ok(loaded.ok)
  assert.deepEqual(loaded.warnings, ['SESAME_HTTP_PROT is set, but there is no such setting.'])
})

test('no words on the command line throw', async () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(...settingKeys().map((key) => `--${SETTINGS[key].name}`), '--', '--no-', '-x', '--config'),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (args) => {
      assert.equal(typeof (await load({ args })).ok, 'boolean')
    }),
    { numRuns: 200 },
  )
})

test('every default can be written as a flag and is read back as it was', async () => {
  for (const profile of ['local', 'strict', 'production'] as const) {
    const args = settingKeys().flatMap((key) => {
      const { name, kind, defaults } = SETTINGS[key] as {
        name: string
        kind: { print(value: unknown): string }
        defaults: Record<string, unknown>
      }
      const value = key === 'profile' ? profile : defaults[profile]
      return value === undefined || (Array.isArray(value) && value.length === 0)
        ? []
        : [`--${name}=${kind.print(value)}`]
    })
    assert.deepEqual(await good({ args }), defaultConfig(profile))
  }
})

test('the help and the page have every setting', () => {
  const page = configurationPage()
  const help = flagsHelp()
  for (const key of settingKeys()) {
    const { name, kind } = SETTINGS[key]
    assert.ok(page.includes(`\`--${name} ${kind.shape.replaceAll('|', '\\|')}\`<br>\`${variableOf(name)}\``), name)
    assert.ok(help.includes(`  --${name} ${kind.shape}\n`), name)
  }
  assert.ok(help.split('\n').every((line) => line.length <= 100))
})

test('ClamAV is found by a host and a port, or by its socket', async () => {
  const clamav = async (text: string) => (await good({ args: ['--clamav', text] })).clamav
  assert.deepEqual(await clamav('127.0.0.1:3310'), { address: '127.0.0.1', port: 3310 })
  assert.deepEqual(await clamav('clamav:3310'), { address: 'clamav', port: 3310 })
  assert.deepEqual(await clamav('[::1]:3310'), { address: '::1', port: 3310 })
  assert.deepEqual(await clamav('/run/clamd.sock'), { address: '/run/clamd.sock', port: 0 })
  for (const text of ['clamav', 'clamav:0', ':3310', '::1:3310', '[clamav]:3310', 'run/clamd.sock', 'clamav:70000']) {
    assert.match(
      (await errors({ args: ['--clamav', text] }))[0]!,
      /is neither HOST:PORT nor the path of a socket/,
      text,
    )
  }
})

test('a shaping file tells what holds for providers, hosts and domains', async () => {
  const text = `
default: { maxConnections: 10 }
sites:
  google: { maxConnections: 50, maxRatePerMinute: 1200 }
  hosted.example: { maxConnections: 5 }
  mx.hosted.example: { maxConnections: 4 }
domains:
  Small.test: { maxConnections: 1 }
`
  const { limitsBySite } = await good({ args: ['--shaping', 'shaping.yaml'], files: { 'shaping.yaml': text } })
  const connections = (key: string) => limitsOf(limitsBySite, key).maxConnections
  assert.deepEqual(limitsOf(limitsBySite, 'google'), { maxConnections: 50, maxRatePerMinute: 1200 })
  assert.deepEqual(
    ['other.test', 'small.test', 'a.hosted.example,b.hosted.example', 'a.mx.hosted.example'].map(connections),
    [10, 1, 5, 4],
  )
  assert.equal(connections('a.hosted.example,b.elsewhere.test'), 10)
  assert.equal(limitsOf((await good({})).limitsBySite, 'google').maxConnections, 20)
})

test('an address may have the day of its first mail, and the shaping file a plan for such', async () => {
  const value = '192.0.2.1=out1.example.com+2026-01-31,192.0.2.2=out2.example.com@news+2024-02-29'
  const { egress, limitsBySite } = await good({
    args: ['--egress', value, '--shaping', 's.yaml'],
    files: { 's.yaml': 'warmup: { days: 30, firstDay: 20 }\n' },
  })
  assert.deepEqual(
    egress.map(({ pool, since = 0 }) => [pool, new Date(since * 86_400_000).toISOString().slice(0, 10)]),
    [
      ['ses-shared-pool', '2026-01-31'],
      ['news', '2024-02-29'],
    ],
  )
  assert.deepEqual(limitsBySite.warmup, { days: 30, firstDay: 20, lastDay: 50_000 })
  for (const date of ['2026-02-30', '2026-1-1', 'today', '']) {
    assert.equal((await errors({ args: ['--egress', `192.0.2.1=out1.example.com+${date}`] })).length, 1, date)
  }
  const files = { 's.yaml': 'warmup: { days: 0, firstDay: 20, lastDay: 10, dayz: 1 }\n' }
  assert.deepEqual(await errors({ args: ['--shaping', 's.yaml'], files }), [
    's.yaml: warmup: there is no dayz. Did you mean days?',
    's.yaml: warmup: days is not a whole number from 1 to 365.',
    's.yaml: warmup: lastDay is less than firstDay.',
  ])
})

test('a shaping file that is wrong is told of, line by line', async () => {
  const text = 'defaults: {}\nsites:\n  google: { maxConnection: 5, maxRatePerMinute: none }\n'
  assert.deepEqual(await errors({ args: ['--shaping', 's.yaml'], files: { 's.yaml': text } }), [
    's.yaml: there is no defaults. Did you mean default?',
    's.yaml: sites: google: there is no maxConnection. Did you mean maxConnections?',
    's.yaml: sites: google: maxRatePerMinute is not a whole number from 1 to 10000000.',
  ])
  const missing = await errors({ args: ['--shaping', 'none.yaml'] })
  assert.match(missing.join(), /none\.yaml: ENOENT/)
})
