import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { partOf, WHOLE } from './share.ts'

test('the parts of all nodes add up to the limits, or to a connection each where there are fewer', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 50 }), (connections, nodes) => {
      const parts = Array.from({ length: nodes }, (_, rank) => partOf({ connections, perMinute: 60 }, { nodes, rank }))
      const sum = parts.reduce((total, part) => total + part.connections, 0)
      assert.equal(sum, Math.max(connections, nodes))
      assert.ok(Math.abs(parts.reduce((total, { perMinute = 0 }) => total + perMinute, 0) - 60) < 1e-6)
    }),
  )
})

test('a node by itself has all, and no limit stays none', () => {
  assert.deepEqual(partOf({ connections: 5, perMinute: 7 }, WHOLE), { connections: 5, perMinute: 7 })
  assert.deepEqual(partOf({ connections: Infinity }, { nodes: 3, rank: 2 }), {
    connections: Infinity,
    perMinute: undefined,
  })
})
