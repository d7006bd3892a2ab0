import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { correlate, correlationIds } from '../telemetry/correlation.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { type Loop, startLoop } from './loop.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A loop whose passes are scripted: each entry is what a pass answers or throws; after the last it answers false. */
function setup(
  script: (boolean | Error)[] = [],
  rest_ms = 0,
): {
  loop: Loop
  passes: () => number
  count: (outcome: string) => Promise<number>
} {
  const metrics = openMetrics()
  let passes = 0
  const loop = startLoop({
    name: 'test',
    idle_ms: 1000,
    rest_ms,
    log: pino({ level: 'silent' }),
    metrics,
    backoff: { base_ms: 100, max_ms: 400 },
    run: async () => {
      const next = script[passes]
      passes += 1
      if (next instanceof Error) throw next
      return next ?? false
    },
  })
  const count = async (outcome: string) => {
    const all = await metrics.counter('saldo_loop_passes_total', '', ['loop', 'outcome']).get()
    return all.values.find((each) => each.labels.outcome === outcome)?.value ?? 0
  }
  return { loop, passes: () => passes, count }
}

test('runs on while there is more, then sleeps until its time has come', async () => {
  const { loop, passes, count } = setup([true, true, false])
  await vi.advanceTimersByTimeAsync(999)
  expect(passes()).toBe(3)
  await vi.advanceTimersByTimeAsync(1)
  expect(passes()).toBe(4)
  expect([await count('more'), await count('idle')]).toEqual([2, 2])
  await loop.stop()
})

test('rests after a pass though it is woken, and then looks again at once', async () => {
  const { loop, passes } = setup([], 50)
  await vi.advanceTimersByTimeAsync(10)
  loop.wake()
  loop.wake()
  await vi.advanceTimersByTimeAsync(39)
  expect(passes()).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(passes()).toBe(2)
  // Rested and idle: a wake now is heeded at once.
  await vi.advanceTimersByTimeAsync(60)
  loop.wake()
  await vi.advanceTimersByTimeAsync(0)
  expect(passes()).toBe(3)
  const stopped = loop.stop()
  await vi.advanceTimersByTimeAsync(0)
  await stopped
})

test('a wake ends the sleep at once', async () => {
  const { loop, passes } = setup()
  await vi.advanceTimersByTimeAsync(10)
  expect(passes()).toBe(1)
  loop.wake()
  await vi.advanceTimersByTimeAsync(0)
  expect(passes()).toBe(2)
  await loop.stop()
})

test('a wake during a pass brings one more pass', async () => {
  const gate = Promise.withResolvers<boolean>()
  let passes = 0
  const loop = startLoop({
    name: 'test',
    idle_ms: 1000,
    log: pino({ level: 'silent' }),
    metrics: openMetrics(),
    run: () => {
      passes += 1
      return passes === 1 ? gate.promise : Promise.resolve(false)
    },
  })
  loop.wake()
  loop.wake()
  gate.resolve(false)
  await vi.advanceTimersByTimeAsync(0)
  expect(passes).toBe(2)
  await loop.stop()
})

test('a failing pass is tried again after growing waits that a wake does not shorten, and never ends the loop', async () => {
  const broken = new Error('away')
  const { loop, passes, count } = setup([broken, broken, broken, broken, broken])
  await vi.advanceTimersByTimeAsync(0)
  loop.wake()
  await vi.advanceTimersByTimeAsync(49)
  expect(passes()).toBe(1)
  await vi.advanceTimersByTimeAsync(51)
  expect(passes()).toBe(2)
  await vi.advanceTimersByTimeAsync(200 + 400 + 400 + 400)
  expect(passes()).toBeGreaterThanOrEqual(6)
  expect(await count('failed')).toBe(5)
  await loop.stop()
})

test('stop waits for the pass under way, and nothing runs after it', async () => {
  const gate = Promise.withResolvers<boolean>()
  let passes = 0
  const loop = startLoop({
    name: 'test',
    idle_ms: 1000,
    log: pino({ level: 'silent' }),
    metrics: openMetrics(),
    run: () => {
      passes += 1
      return gate.promise
    },
  })
  let stopped = false
  const stopping = loop.stop().then(() => {
    stopped = true
  })
  await vi.advanceTimersByTimeAsync(5000)
  expect(stopped).toBe(false)
  gate.resolve(true)
  await stopping
  await loop.stop()
  loop.wake()
  await vi.advanceTimersByTimeAsync(5000)
  expect(passes).toBe(1)
})

test('stop ends a sleep and a back-off at once', async () => {
  const idle = setup()
  const failing = setup([new Error('away')])
  await vi.advanceTimersByTimeAsync(10)
  await Promise.all([idle.loop.stop(), failing.loop.stop()])
  expect([idle.passes(), failing.passes()]).toEqual([1, 1])
})

test('a loop started by someone does not carry their correlation ids', async () => {
  const seen: unknown[] = []
  const loop = correlate({ request_id: 'r1' }, () =>
    startLoop({
      name: 'test',
      idle_ms: 1000,
      log: pino({ level: 'silent' }),
      metrics: openMetrics(),
      run: async () => {
        seen.push(correlationIds())
        return false
      },
    }),
  )
  await vi.advanceTimersByTimeAsync(1000)
  expect(seen).toEqual([{}, {}])
  await loop.stop()
})
