import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { type Ended, FAILURES_MAX, type LimitsOptions, NotCalledError, openLimits } from './limits.ts'

const OPTIONS: LimitsOptions = { concurrency: 3, rate_per_second: 10_000, wait_ms_max: 5_000 }
const up = async (): Promise<Ended<string>> => ({ value: 'up', down: false })
const down = async (): Promise<Ended<string>> => ({ value: 'down', down: true })

/** Calls that start and then stay until they are let go. */
function held() {
  const going: (() => void)[] = []
  let most = 0
  let now = 0
  const call = async (): Promise<Ended<number>> => {
    now += 1
    most = Math.max(most, now)
    await new Promise<void>((resolve) => going.push(resolve))
    now -= 1
    return { value: now, down: false }
  }
  const started = (count: number) =>
    vi.waitFor(() => expect(going.length).toBeGreaterThanOrEqual(count), { interval: 1 })
  return { call, started, letGo: () => going.shift()?.(), most: () => most }
}

test('runs as many calls at a time as allowed, and in the end all', async () => {
  const limits = openLimits(OPTIONS, systemClock)
  const calls = held()
  const all = Array.from({ length: 10 }, () => limits.run('read', calls.call))
  for (let left = 10; left > 0; left--) {
    await calls.started(Math.min(3, left))
    calls.letGo()
  }
  await Promise.all(all)
  expect(calls.most()).toBe(3)
})

test('spreads starts over time: a tenth of a second at once, the others at the rate', async () => {
  const limits = openLimits({ ...OPTIONS, concurrency: 100, rate_per_second: 100 }, systemClock)
  const started_ms = performance.now()
  const starts_ms: number[] = []
  const call = async (): Promise<Ended<void>> => {
    starts_ms.push(performance.now() - started_ms)
    return { value: undefined, down: false }
  }
  await Promise.all(Array.from({ length: 30 }, () => limits.run('read', call)))
  // Timers may fire a millisecond early.
  for (const [index, start_ms] of starts_ms.sort((a, b) => a - b).entries()) {
    expect(start_ms).toBeGreaterThanOrEqual((index - 10) * 10 - 2)
  }
})

test('a call that would wait too long for the rate is not made', async () => {
  const limits = openLimits({ ...OPTIONS, rate_per_second: 1, wait_ms_max: 500 }, systemClock)
  await limits.run('read', up)
  const second = vi.fn(up)
  await expect(limits.run('place', second)).rejects.toMatchObject({ name: 'NotCalledError', reason: 'busy' })
  expect(second).not.toHaveBeenCalled()
})

test('a call that waited too long for a line is not made', async () => {
  let now_ms = 0
  const limits = openLimits({ ...OPTIONS, concurrency: 1 }, { now: () => new Date(), monotonic_ms: () => now_ms })
  const first = held()
  const running = limits.run('place', first.call)
  await first.started(1)
  const second = vi.fn(up)
  const waiting = limits.run('place', second)
  now_ms = 5_001
  first.letGo()
  await running
  await expect(waiting).rejects.toThrow(NotCalledError)
  expect(second).not.toHaveBeenCalled()
})

test('the queue for a line is bounded', async () => {
  const limits = openLimits({ ...OPTIONS, concurrency: 1 }, systemClock)
  const first = held()
  const running = limits.run('place', first.call)
  await first.started(1)
  const waiting = Array.from({ length: 1_000 }, () => limits.run('place', up))
  await expect(limits.run('place', up)).rejects.toMatchObject({ reason: 'busy' })
  first.letGo()
  await Promise.all([running, ...waiting])
})

test('ten failures in a row keep further calls of that kind away; reading goes on beside placing', async () => {
  const limits = openLimits(OPTIONS, systemClock)
  for (let count = 0; count < FAILURES_MAX; count++) expect(await limits.run('place', down)).toBe('down')
  const call = vi.fn(up)
  await expect(limits.run('place', call)).rejects.toMatchObject({ reason: 'breaker_open' })
  expect(call).not.toHaveBeenCalled()
  expect(await limits.run('read', up)).toBe('up')
})

test('a success between failures counts them anew', async () => {
  const limits = openLimits(OPTIONS, systemClock)
  const almost = Array.from({ length: FAILURES_MAX - 1 }, () => down)
  for (const call of [...almost, up, ...almost]) await limits.run('place', call)
  expect(await limits.run('place', up)).toBe('up')
})

test('calls that fail late, beside others that went well meanwhile, keep nobody away', async () => {
  const limits = openLimits({ ...OPTIONS, concurrency: 50 }, systemClock)
  const release = Promise.withResolvers<void>()
  const hanging = Array.from({ length: 3 * FAILURES_MAX }, () =>
    limits.run('place', async () => {
      await release.promise
      return { value: 'down', down: true }
    }),
  )
  await limits.run('place', up)
  release.resolve()
  await Promise.all(hanging)
  expect(await limits.run('place', up)).toBe('up')
})

test('after a while one call tries; the others wait for how it ends', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const limits = openLimits(OPTIONS, systemClock)
  for (let count = 0; count < FAILURES_MAX; count++) await limits.run('read', down)
  vi.setSystemTime(Date.now() + 10_001)
  const trial = held()
  const trying = limits.run('read', trial.call)
  await trial.started(1)
  const other = vi.fn(up)
  const waiting = limits.run('read', other)
  expect(other).not.toHaveBeenCalled()
  trial.letGo()
  await trying
  expect(await waiting).toBe('up')
})

test('what a call throws passes through', async () => {
  const limits = openLimits(OPTIONS, systemClock)
  const failing = limits.run('read', async () => {
    throw new TypeError('a defect')
  })
  await expect(failing).rejects.toThrow(TypeError)
})
