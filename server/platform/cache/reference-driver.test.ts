import { expect, test } from 'vitest'
import { encodeJson } from '#server/kit/json.ts'
import { referenceDriver } from './reference-driver.ts'

test('what comes from Redis as JSON is kept as the value it stands for', () => {
  const driver = referenceDriver(10).factory({})
  const entry = { value: { rate: 2n ** 53n + 1n } }
  driver.set('from-redis', encodeJson(entry), 1000)
  expect(driver.get('from-redis')).toEqual(entry)
})

test('a value set here is kept as it is', () => {
  const driver = referenceDriver(10).factory({})
  const entry: unknown = { value: {} }
  driver.set('own', entry as string, 1000)
  expect(driver.get('own')).toBe(entry)
})

test('the least recently used entries go first', () => {
  const driver = referenceDriver(2).factory({ maxItems: 2 })
  for (const key of ['a', 'b', 'c']) driver.set(key, encodeJson(key), 1000)
  expect([driver.get('a'), driver.get('c')]).toEqual([undefined, 'c'])
})
