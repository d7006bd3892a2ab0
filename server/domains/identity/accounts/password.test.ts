import { hash } from '@node-rs/argon2'
import { expect, test } from 'vitest'
import { testDatabase } from '#test/support/database.ts'
import { putSetting, someSettings } from '#test/support/settings.ts'
import {
  COSTS_IN_USE,
  hashPassword,
  inPasswordSlot,
  isOutdated,
  passwordCost,
  passwordMatches,
  passwordMatchesAlike,
} from './password.ts'

async function setup() {
  const { db } = await testDatabase()
  return { db, settings: await someSettings({ db }) }
}

test('a password is hashed by argon2id and matches itself alone, in either Unicode form', async () => {
  const app = await setup()
  const stored = await hashPassword(app, 'pa\u00dfw\u00f6rd')
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await passwordMatches(stored, 'pa\u00dfwo\u0308rd')).toBe(true)
  expect(await passwordMatches(stored, 'passw\u00f6rd')).toBe(false)
  expect(await hashPassword(app, 'pa\u00dfw\u00f6rd')).not.toBe(stored)
})

test('a hash with less memory or fewer passes is outdated', async () => {
  const app = await setup()
  expect(isOutdated(app, await hash('x', { memoryCost: 8_192, timeCost: 2, parallelism: 1 }))).toBe(true)
  expect(isOutdated(app, await hash('x', { memoryCost: 19_456, timeCost: 1, parallelism: 1 }))).toBe(true)
  expect(isOutdated(app, await hashPassword(app, 'x'))).toBe(false)
})

test('the cost is raised by the setting, within its bounds', async () => {
  const app = await setup()
  const before = await hashPassword(app, 'x')
  await putSetting(app.db, passwordCost, { memory_kib: 20_480, passes: 3, lanes: 2 })
  await app.settings.refresh()
  expect(await hashPassword(app, 'x')).toMatch(/^\$argon2id\$v=19\$m=20480,t=3,p=2\$/)
  expect(isOutdated(app, before)).toBe(true)
  expect(await passwordMatches(before, 'x')).toBe(true)
  for (const bad of [{ memory_kib: 8_192 }, { memory_kib: 1_000_000 }, { passes: 1 }, { passes: 99 }, { lanes: 0 }]) {
    const value = { memory_kib: 19_456, passes: 2, lanes: 1, ...bad }
    expect(passwordCost.schema.safeParse(value).success, JSON.stringify(bad)).toBe(false)
  }
})

test('the costs in use are found, each once', async () => {
  const { db } = await setup()
  const costs = async () => (await db.query<{ costs: string[] }>(COSTS_IN_USE))[0]?.costs
  expect(await costs()).toEqual([])
  const hashOf = (cost: string) => `$argon2id$v=19$${cost}$c2FsdHNhbHRzYWx0c2FsdA$c3Vt`
  const used = ['m=19456,t=2,p=1', 'm=65536,t=3,p=1', 'm=19456,t=2,p=1']
  await db.query(
    `insert into identity.user (email, password_hash, role)
     select 'u' || n || '@example.com', password_hash, 'customer' from unnest($1::text[]) with ordinality as u (password_hash, n)`,
    [used.map(hashOf)],
  )
  expect(await costs()).toEqual(['m=19456,t=2,p=1', 'm=65536,t=3,p=1'])
})

test('where it must not be told whether there is a password, only the right one of one that is stored matches', async () => {
  const stored = await hash('right', { memoryCost: 19_456, timeCost: 2, parallelism: 1 })
  const costs = ['m=19456,t=2,p=1', 'm=20480,t=2,p=1']
  expect(await passwordMatchesAlike(stored, 'right', costs)).toBe(true)
  expect(await passwordMatchesAlike(stored, 'wrong', costs)).toBe(false)
  expect(await passwordMatchesAlike(undefined, 'right', costs)).toBe(false)
  expect(await passwordMatchesAlike(undefined, 'right', [])).toBe(false)
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
