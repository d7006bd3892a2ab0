import { expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { openMetrics } from './metrics.ts'

test('a metric asked for twice is the same metric and is in the exposition once', async () => {
  const metrics = openMetrics()
  metrics.counter('saldo_things_total', 'Things', ['kind']).inc({ kind: 'a' })
  metrics.counter('saldo_things_total', 'Things', ['kind']).inc({ kind: 'a' })
  metrics.gauge('saldo_depth', 'Depth').set(3)
  let waiting = 1
  metrics.gauge('saldo_waiting', 'Waiting', [], () => waiting)
  waiting = 7
  metrics.histogram('saldo_wait_seconds', 'Wait', [0.1, 1]).observe(0.5)
  const text = await metrics.registry.metrics()
  expect(text).toContain('saldo_things_total{kind="a"} 2')
  expect(text).toContain('saldo_depth 3')
  expect(text).toContain('saldo_waiting 7')
  expect(text).toContain('saldo_wait_seconds_bucket{le="1"} 1')
  expect(text.match(/^# TYPE saldo_things_total /gm)).toHaveLength(1)
})

test('Node itself is measured, and two processes in one test do not clash', async () => {
  for (const metrics of [openMetrics(), openMetrics()]) {
    expect(await metrics.registry.metrics()).toContain('process_resident_memory_bytes')
  }
})

test('one name for two kinds of metric, or with other labels, is a defect', () => {
  const metrics = openMetrics()
  metrics.counter('saldo_things_total', 'Things', ['kind'])
  expect(() => metrics.gauge('saldo_things_total', 'Things', ['kind'])).toThrow(InvariantError)
  expect(() => metrics.counter('saldo_things_total', 'Things', ['sort'])).toThrow(InvariantError)
})
