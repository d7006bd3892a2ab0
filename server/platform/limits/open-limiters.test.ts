import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { openLog } from '../telemetry/log.ts'
import { openLimiters } from './open-limiters.ts'

function limitersWith(redis_url: string | undefined) {
  const logged: string[] = []
  const log = openLog({ level: 'warn', destination: { write: (line) => void logged.push(line) } })
  const limiters = openLimiters({ config: { redis_url }, clock: systemClock, log })
  onTestFinished(() => limiters.close())
  return { limiters, logged }
}

const window = { name: 'test', points: 3, duration_s: 60 }

test.each([['in memory', undefined] as const, ['while Redis does not answer', 'redis://127.0.0.1:1'] as const])(
  'points run out, are given back and forgotten, each key for itself, %s',
  async (_, redis_url) => {
    const limiter = limitersWith(redis_url).limiters.limiter(window)
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => limiter.take('a')))
    expect(outcomes.map((each) => each.allowed)).toEqual([true, true, true, false, false])
    expect(outcomes.map((each) => each.taken)).toEqual([1, 2, 3, 4, 5])
    expect(outcomes[4]?.resets_in_ms).toBeGreaterThan(55_000)
    expect((await limiter.take('b')).allowed).toBe(true)
    for (let i = 0; i < 3; i++) await limiter.giveBack('a')
    expect(await limiter.take('a')).toMatchObject({ allowed: true, taken: 3 })
    await limiter.forget('a')
    expect(await limiter.take('a')).toMatchObject({ allowed: true, taken: 1 })
  },
)

test('that Redis does not answer is told once, not at each attempt', async () => {
  const { limiters, logged } = limitersWith('redis://127.0.0.1:1')
  const limiter = limiters.limiter(window)
  await expect.poll(() => logged.length, { timeout: 5_000 }).toBe(1)
  for (let i = 0; i < 5; i++) await limiter.take('a')
  expect(logged).toHaveLength(1)
})
