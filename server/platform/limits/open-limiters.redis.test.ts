import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#server/kit/clock.ts'
import { startRedis } from '#test/support/redis.ts'
import { openLog } from '../telemetry/log.ts'
import { type Limiter, openLimiters } from './open-limiters.ts'

const WINDOW = { name: 'test', points: 3, duration_s: 60 }

async function setup() {
  const redis = await startRedis()
  const logged: string[] = []
  const log = openLog({ level: 'warn', destination: { write: (line) => void logged.push(line) } })
  const limiters = [1, 2].map(() => openLimiters({ config: { redis_url: redis.url }, clock: systemClock, log }))
  onTestFinished(async () => {
    await Promise.all(limiters.map((each) => each.close()))
  })
  const [one, other] = limiters.map((each) => each.limiter(WINDOW)) as [Limiter, Limiter]
  return { redis, one, other, logged }
}

/** Takes until the counter of the other sees it. */
async function shared(one: Limiter, other: Limiter, key: string): Promise<boolean> {
  const { taken } = await one.take(key)
  return (await other.take(key)).taken === taken + 1
}

test('what one process counts all know', async () => {
  const { one, other } = await setup()
  await expect.poll(() => shared(one, other, 'ready'), { timeout: 10_000 }).toBe(true)
  const taken = []
  for (const limiter of [one, other, one, other]) taken.push(await limiter.take('a'))
  expect(taken.map((each) => [each.taken, each.allowed])).toEqual([
    [1, true],
    [2, true],
    [3, true],
    [4, false],
  ])
  expect(taken[3]?.resets_in_ms).toBeGreaterThan(50_000)
  await other.giveBack('a')
  await other.giveBack('a')
  expect(await one.take('a')).toMatchObject({ taken: 3, allowed: true })
  await one.forget('a')
  expect(await other.take('a')).toMatchObject({ taken: 1 })
})

test('while Redis is gone each counts for itself, and together again when it is back', async () => {
  const { redis, one, other, logged } = await setup()
  await expect.poll(() => shared(one, other, 'ready'), { timeout: 10_000 }).toBe(true)
  await redis.kill()
  const taken = []
  for (let i = 0; i < 4; i++) taken.push((await one.take('a')).allowed)
  expect(taken).toEqual([true, true, true, false])
  expect((await other.take('a')).allowed).toBe(true)
  expect(logged.length).toBeLessThanOrEqual(2)
  await redis.start()
  let n = 0
  await expect.poll(() => shared(one, other, `again ${n++}`), { timeout: 20_000 }).toBe(true)
})

test('a Redis that hangs holds up one request and not those after it', async () => {
  const { redis, one, other } = await setup()
  await expect.poll(() => shared(one, other, 'ready'), { timeout: 10_000 }).toBe(true)
  redis.freeze()
  onTestFinished(() => redis.thaw())
  const first = await one.take('a')
  expect(first).toMatchObject({ taken: 1, allowed: true })
  // From memory: none of these waits for the time-out of a second, of which a thousand would take a quarter of an hour.
  const many = await Promise.race([
    (async () => {
      for (let i = 0; i < 1_000; i++) await one.take('b')
      return 'at once'
    })(),
    first && new Promise((resolve) => setTimeout(resolve, 20_000, 'late')),
  ])
  expect(many).toBe('at once')
})
