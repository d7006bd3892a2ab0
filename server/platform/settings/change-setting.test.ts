import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { atBarrier } from '#test/support/barrier.ts'
import { testDatabase } from '#test/support/database.ts'
import type { Db } from '../db/database.ts'
import { ProblemError } from '../http/problem.ts'
import { changeSetting, DEFAULT, type SettingChanged } from './change-setting.ts'
import { refusalOf, settingSteps, standingSettings, untouchedSetting } from './queries.ts'
import { defineSetting, type Setting } from './setting.ts'

const waitMs = defineSetting({
  name: 'test.wait_ms',
  schema: z.number().int().min(100).max(60_000),
  default: 1_000,
  description: 'How long to wait.',
  unit: 'ms',
})

const change = (db: Db, value: unknown, version: bigint, setting: Setting<unknown> = waitMs) =>
  db.transaction((tx) => changeSetting(tx, { setting, value, version, actor: 'user:7', reason: 'a test' }))

test('a change grows the version and keeps who, when, what before, what after and why', async () => {
  const { db } = await testDatabase()
  expect(await change(db, 2_000, 0n)).toEqual({ before: DEFAULT, after: 2_000, version_before: 0n, version: 1n })
  expect(await change(db, 3_000, 1n)).toMatchObject({ before: 2_000, after: 3_000, version: 2n })
  expect(await change(db, DEFAULT, 2n)).toMatchObject({ before: 3_000, after: DEFAULT, version: 3n })
  const { steps } = await settingSteps(db, 'test.wait_ms')
  expect(steps.map(({ version, before, after }) => [version, before, after])).toEqual([
    [3n, 3_000, DEFAULT],
    [2n, 2_000, 3_000],
    [1n, DEFAULT, 2_000],
  ])
  for (const step of steps) expect(step).toMatchObject({ actor: 'user:7', reason: 'a test', at: expect.any(Date) })
  const page = await settingSteps(db, 'test.wait_ms', { before: 3n, limit: 1 })
  expect(page).toEqual({ steps: [steps[1]], has_more: true })
  expect(await settingSteps(db, 'test.wait_ms', { before: 2n })).toEqual({ steps: [steps[2]], has_more: false })
  expect((await standingSettings(db)).get('test.wait_ms')).toMatchObject({ version: 3n, value: DEFAULT })
})

test('a change to what stands already writes nothing', async () => {
  const { db } = await testDatabase()
  expect(await change(db, DEFAULT, 0n)).toMatchObject({ version: 0n })
  await change(db, 2_000, 0n)
  expect(await change(db, 2_000, 1n)).toEqual({ before: 2_000, after: 2_000, version_before: 1n, version: 1n })
  expect((await settingSteps(db, 'test.wait_ms')).steps).toHaveLength(1)
})

test('an edit of a version that is no more, or not yet, is refused with the present one', async () => {
  const { db } = await testDatabase()
  await change(db, 2_000, 0n)
  for (const version of [0n, 2n, 99n]) {
    const refused = change(db, 3_000, version)
    await expect(refused).rejects.toMatchObject({ code: 'setting_stale', status: 409, extra: { version: '1' } })
  }
  expect((await settingSteps(db, 'test.wait_ms')).steps).toHaveLength(1)
})

test('of ten who edit the same version at once one succeeds and nine are told', async () => {
  const { db } = await testDatabase({ connections: 12 })
  const edits = Array.from({ length: 10 }, (_, i) => () => change(db, 2_000 + i, 0n).catch((error: unknown) => error))
  // Reading is free, so that all have seen version 0 when they come to write.
  const outcomes = await atBarrier(db, (tx) => tx.query('lock table platform.setting_change in share mode'), edits)
  const done = outcomes.filter((outcome) => !(outcome instanceof Error)) as SettingChanged[]
  expect(done).toEqual([expect.objectContaining({ version: 1n })])
  const refused = outcomes.filter((outcome) => outcome instanceof ProblemError)
  expect(refused.map((error) => error.code)).toEqual(Array(9).fill('setting_stale'))
  expect((await settingSteps(db, 'test.wait_ms')).steps.map((step) => step.after)).toEqual(
    done.map((each) => each.after),
  )
})

test('whatever is sent, a value is stored only if the schema takes it, and then as it was sent', async () => {
  const { db } = await testDatabase()
  let version = 0n
  const junk = fc.oneof(
    fc.integer({ min: 90, max: 60_010 }),
    fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }),
    fc.constantFrom(undefined, Number.NaN, Infinity, '1000', '\0', '\ud800', [], {}, true, 100.5, -0, 1e21),
    fc.integer({ min: 1, max: 5 }).map((size) => 'я'.repeat(10 ** size)),
    fc.constant(Array.from({ length: 200 }).reduce<unknown>((inner) => [inner], 1)),
  )
  const anything = defineSetting({ name: 'test.any', schema: z.json(), default: null, description: 'Anything at all.' })
  let any_version = 0n
  await fc.assert(
    fc.asyncProperty(junk, async (value) => {
      const legal = typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 60_000
      const outcome = await change(db, value, version).catch((error: unknown) => error)
      if (!legal) {
        expect(outcome).toBeInstanceOf(ProblemError)
        expect([400, 422]).toContain((outcome as ProblemError).status)
      } else version = (outcome as { version: bigint }).version
      const kept = await change(db, value, any_version, anything).catch((error: unknown) => error)
      if (kept instanceof Error) expect(kept).toBeInstanceOf(ProblemError)
      else any_version = (kept as { version: bigint }).version
    }),
    { numRuns: 200 },
  )
  const standing = await standingSettings(db)
  expect(standing.get('test.wait_ms')?.version ?? 0n).toBe(version)
  for (const { after } of (await settingSteps(db, 'test.wait_ms')).steps) {
    expect(refusalOf(waitMs, { ...untouchedSetting(waitMs.name), value: after })).toEqual([])
  }
})
