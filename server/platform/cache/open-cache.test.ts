import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { openCache } from './open-cache.ts'
import { RedisUnavailableError } from './redis.ts'

const log = pino({ level: 'silent' })

async function setup() {
  const cache = await openCache({ log })
  onTestFinished(() => cache.close())
  let loads = 0
  /** Loads `value`, and counts. */
  const loading =
    <T>(value: T) =>
    async () => {
      loads += 1
      return value
    }
  return { cache, loading, loads: () => loads }
}

test('a value is loaded once and then answered from memory, the very same', async () => {
  const { cache, loading, loads } = await setup()
  const value = { rate: 2n ** 53n + 1n, tags: ['a'] }
  expect(await cache.getOrLoad('k', 1000, loading(value))).toBe(value)
  expect(await cache.getOrLoad('k', 1000, loading('other'))).toBe(value)
  expect(loads()).toBe(1)
})

test('callers at the same time share one load, and its failure', async () => {
  const { cache, loads, loading } = await setup()
  const all = await Promise.all(Array.from({ length: 50 }, () => cache.getOrLoad('k', 1000, loading(7))))
  expect([new Set(all), loads()]).toEqual([new Set([7]), 1])

  const broken = new Error('no database')
  let tries = 0
  const failing = async () => {
    tries += 1
    throw broken
  }
  const failed = await Promise.allSettled(Array.from({ length: 50 }, () => cache.getOrLoad('f', 1000, failing)))
  expect(failed.every((each) => each.status === 'rejected' && each.reason === broken)).toBe(true)
  expect(tries).toBe(1)
  expect(await cache.getOrLoad('f', 1000, loading('mended'))).toBe('mended')
})

test('a value lives for its time', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const { cache, loading } = await setup()
  await cache.getOrLoad('k', 1000, loading('old'))
  vi.advanceTimersByTime(999)
  expect(await cache.getOrLoad('k', 1000, loading('new'))).toBe('old')
  vi.advanceTimersByTime(2)
  expect(await cache.getOrLoad('k', 1000, loading('new'))).toBe('new')
})

test('what was forgotten is loaded anew', async () => {
  const { cache, loading } = await setup()
  await cache.getOrLoad('k', 1000, loading('old'))
  await cache.forget('k')
  expect(await cache.getOrLoad('k', 1000, loading('new'))).toBe('new')
})

test('a value whose key is forgotten while it loads is not kept, nor given to those who ask afterwards', async () => {
  const { cache, loading } = await setup()
  const gate = Promise.withResolvers<string>()
  const early = cache.getOrLoad('k', 1000, () => gate.promise)
  const forgotten = cache.forget('k')
  const late = cache.getOrLoad('k', 1000, loading('new'))
  gate.resolve('old')
  expect(await early).toBe('old')
  await forgotten
  expect(await late).toBe('new')
  expect(await cache.getOrLoad('k', 1000, loading('newest'))).not.toBe('old')
})

test('nothing, null and false are values too', async () => {
  const { cache, loading, loads } = await setup()
  for (const value of [undefined, null, false, 0, '']) {
    const key = `k${String(value)}`
    expect(await cache.getOrLoad(key, 1000, loading(value))).toBe(value)
    expect(await cache.getOrLoad<unknown>(key, 1000, loading('other'))).toBe(value)
  }
  expect(loads()).toBe(5)
})

test('a value is frozen to its depth, since all callers share it', async () => {
  const { cache, loading } = await setup()
  const value = await cache.getOrLoad('k', 1000, loading({ list: [{ rate: 1n }] }))
  expect(() => {
    const [first] = value.list
    if (first) first.rate = 2n
  }).toThrow(TypeError)
  expect(() => value.list.push({ rate: 3n })).toThrow(TypeError)
})

test('a time to live of nothing is a defect', async () => {
  const { cache, loading } = await setup()
  expect(() => cache.getOrLoad('k', 0, loading(1))).toThrow(InvariantError)
})

test('a Redis that cannot be used is told at the start', async () => {
  await expect(openCache({ log, redis_url: 'redis://127.0.0.1:1/0' })).rejects.toThrow(RedisUnavailableError)
})
