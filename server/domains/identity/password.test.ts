import { hash } from '@node-rs/argon2'
import { expect, test } from 'vitest'
import { hashPassword, inPasswordSlot, isOutdated, NOBODYS_HASH, passwordMatches } from './password.ts'

test('a password is hashed by argon2id and matches itself alone, in either Unicode form', async () => {
  const stored = await hashPassword('pa\u00dfw\u00f6rd')
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await passwordMatches(stored, 'pa\u00dfwo\u0308rd')).toBe(true)
  expect(await passwordMatches(stored, 'passw\u00f6rd')).toBe(false)
  expect(await hashPassword('pa\u00dfw\u00f6rd')).not.toBe(stored)
})

test('the hash verified for unknown addresses costs what a real one costs', () => {
  expect(isOutdated(NOBODYS_HASH)).toBe(false)
  expect(NOBODYS_HASH).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
})

test('a hash with less memory or fewer passes is outdated', async () => {
  expect(isOutdated(await hash('x', { memoryCost: 8_192, timeCost: 2, parallelism: 1 }))).toBe(true)
  expect(isOutdated(await hash('x', { memoryCost: 19_456, timeCost: 1, parallelism: 1 }))).toBe(true)
  expect(isOutdated(await hashPassword('x'))).toBe(false)
})

test('no more than two run at once, 64 wait, the next is refused as busy', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let running = 0
  let running_max = 0
  const work = async () => {
    running += 1
    running_max = Math.max(running_max, running)
    await promise
    running -= 1
  }
  const taken = Array.from({ length: 66 }, () => inPasswordSlot(work))
  await expect(inPasswordSlot(work)).rejects.toMatchObject({ code: 'busy', status: 503 })
  resolve()
  await Promise.all(taken)
  expect(running_max).toBe(2)
  await inPasswordSlot(work)
})
