import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters, renderMetrics, single, usageMetrics } from './metrics.ts'

test('metrics are written in the text format, with their labels escaped', () => {
  const text = renderMetrics([
    single('gauge', 'a', 'One\nline \\ only.', 1.5),
    { name: 'b_total', help: 'B.', type: 'counter', values: [{ labels: { x: 'a"b\\c\nd', y: '' }, value: 2 }] },
  ])
  assert.equal(
    text,
    '# HELP a One\\nline \\\\ only.\n# TYPE a gauge\na 1.5\n# HELP b_total B.\n# TYPE b_total counter\nb_total{x="a\\"b\\\\c\\nd",y=""} 2\n',
  )
})

test('counters count by surface and code', () => {
  const counters = createCounters()
  counters.accepted('v1')
  counters.accepted('v1')
  counters.refused('smtp', 'MessageRejected')
  const text = renderMetrics(counters.read())
  assert.match(text, /^sesame_messages_accepted_total\{surface="v1"\} 2$/m)
  assert.match(text, /^sesame_calls_refused_total\{surface="smtp",code="MessageRejected"\} 1$/m)
})

test("the process is told under the names of Prometheus' own clients", () => {
  const usage = {
    residentBytes: 1,
    heapUsedBytes: 2,
    externalBytes: 3,
    cpuSeconds: 4,
    startedAtSeconds: 5,
    activeResources: 6,
  }
  const names = usageMetrics(usage).map(({ name, values }) => [name, values[0]?.value])
  assert.deepEqual(names.slice(0, 3), [
    ['process_resident_memory_bytes', 1],
    ['process_cpu_seconds_total', 4],
    ['process_start_time_seconds', 5],
  ])
})
