/** What the benchmarks rest on: that their calls are accepted, and that their statistics are right. Nothing is timed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { CreateEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { ratios } from '../bench/format.ts'
import { RequestPool, SENDER } from '../bench/generator/requests.ts'
import { parseOptions } from '../bench/options.ts'
import { Histogram, spread } from '../bench/stats.ts'
import { startApp } from './support/app.ts'

/** The first octets of the answer. */
async function answerTo(url: string, request: Buffer): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(request)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return answer.toString('latin1')
}

describe('the calls of the load generator', () => {
  for (const surface of ['v1', 'v2'] as const) {
    test(`are accepted by ${surface}, each a message of its own`, async () => {
      await using app = await startApp({ config: { autoVerify: true } })
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
      const pool = new RequestPool(app.url, surface, 2)
      for (const request of [pool.next(0), pool.next(0)]) {
        assert.match(await answerTo(app.url, request), /^HTTP\/1\.1 200 [^]*MessageId/)
      }
      const { body } = await app.admin('GET', '/_sesame/messages')
      const { messages } = body as { messages: { subject: string }[] }
      assert.deepEqual(messages.map(({ subject }) => subject).toSorted(), ['Number 000000', 'Number 000001'])
    })
  }
})

describe('the statistics', () => {
  test('percentiles are at most 2 % worse than the truth, and never better', () => {
    const histogram = new Histogram()
    for (let ms = 1; ms <= 1000; ms++) histogram.add(ms)
    for (const [part, truth] of [
      [0.5, 500],
      [0.99, 990],
      [1, 1000],
    ] as const) {
      const found = histogram.percentile(part)
      assert.ok(found >= truth && found <= truth * 1.02, `${part}: ${found}`)
    }
    assert.equal(histogram.maxMs, 1000)
  })

  test('no samples have no percentile', () => {
    assert.ok(Number.isNaN(new Histogram().percentile(0.5)))
  })

  test('a spread has the median, the least and the greatest', () => {
    assert.deepEqual(spread([3, 1, 2, 10]), { median: 2.5, min: 1, max: 10, n: 4 })
  })

  test('ratios are taken within each round', () => {
    assert.deepEqual(ratios([10, 40], [5, 10]), [2, 4])
    assert.deepEqual(ratios([10, 40], [0, 10]), [4])
  })
})

test('a benchmark tells which option it does not understand', () => {
  assert.throws(() => parseOptions(['--rounds', 'many']), /--rounds takes a number from 1 on/)
  assert.throws(() => parseOptions(['--fast']), /--fast/)
  assert.equal(parseOptions(['--quick', '--rounds', '7']).rounds, 7)
})
