import { expect, test } from 'vitest'
import { z } from 'zod'
import { testDatabase } from '#test/support/database.ts'
import { waitFor } from '#test/support/identity.ts'
import { putSetting, someSettings } from '#test/support/settings.ts'
import type { Db } from '../db/database.ts'
import { openLog } from '../telemetry/log.ts'
import { defineSetting } from './setting.ts'

const triesMax = defineSetting({
  name: 'test.tries_max',
  schema: z.number().int().min(1).max(100),
  default: 5,
  description: 'Tries before giving up.',
  unit: 'tries',
})

const feeMinor = defineSetting({
  name: 'test.fee_minor',
  schema: z
    .string()
    .regex(/^\d{1,18}$/)
    .transform(BigInt),
  default: '250',
  description: 'What a call costs, in minor units.',
})

const SECOND_MS = 1_000

const LISTENERS = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and query in ('select 1', 'listen "settings_changed"')`

/** Cuts listening connections as often as they come back, until `done`. */
async function whileListenersAreCut(db: Db, work: () => Promise<void>): Promise<void> {
  let cutting = true
  const cutter = (async () => {
    while (cutting) await db.query(LISTENERS)
  })()
  try {
    await work()
  } finally {
    cutting = false
    await cutter
  }
}

test('what nobody has set stands at its default, as its schema reads it', async () => {
  const { db } = await testDatabase()
  const settings = await someSettings({ db })
  expect(settings.read(triesMax)).toBe(5)
  expect(settings.read(feeMinor)).toBe(250n)
})

test('a change is known to every process within a second, and so is the way back to the default', async () => {
  const { db } = await testDatabase()
  const [one, other] = [await someSettings({ db }), await someSettings({ db })]
  await putSetting(db, triesMax, 7)
  await waitFor(async () => one.read(triesMax) === 7 && other.read(triesMax) === 7, SECOND_MS)
  await putSetting(db, feeMinor, '900719925474099312')
  await waitFor(async () => other.read(feeMinor) === 900_719_925_474_099_312n, SECOND_MS)
  await putSetting(db, triesMax, undefined)
  await waitFor(async () => one.read(triesMax) === 5 && other.read(triesMax) === 5, SECOND_MS)
})

test('a change is known within a second also while the listening connection is cut again and again', async () => {
  const { db } = await testDatabase()
  const settings = await someSettings({ db })
  await whileListenersAreCut(db, async () => {
    for (const value of [7, 8, 9]) {
      await putSetting(db, triesMax, value)
      await waitFor(async () => settings.read(triesMax) === value, SECOND_MS)
    }
  })
})

test('whoever asks for a fresh read sees what was committed before', async () => {
  const { db } = await testDatabase()
  const settings = await someSettings({ db })
  for (const value of [11, 12, 13]) {
    await putSetting(db, triesMax, value)
    await settings.refresh()
    expect(settings.read(triesMax)).toBe(value)
  }
})

test('a stored value that the schema refuses is told once, with its reason, and read as the default', async () => {
  const { db } = await testDatabase()
  const lines: string[] = []
  const log = openLog({ level: 'error', destination: { write: (line) => void lines.push(line) } })
  const settings = await someSettings({ db, log })
  for (const value of [0, 'seven', null, { deep: [] }]) {
    lines.length = 0
    await putSetting(db, triesMax, value)
    await settings.refresh()
    for (let i = 0; i < 3; i++) expect(settings.read(triesMax)).toBe(5)
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] as string)).toMatchObject({ setting: 'test.tries_max', errors: [{ field: 'value' }] })
  }
  await putSetting(db, triesMax, 6)
  await settings.refresh()
  expect(settings.read(triesMax)).toBe(6)
})

test('while the database cannot be read what was known last goes on, and that it is old can be asked', async () => {
  const { db } = await testDatabase()
  const settings = await someSettings({ db })
  await putSetting(db, triesMax, 7)
  await settings.refresh()
  await settings.current()
  await db.query('alter table platform.setting_change rename to setting_change_away')
  const known = () =>
    settings.current().then(
      () => true,
      () => false,
    )
  await whileListenersAreCut(db, async () => void (await waitFor(async () => !(await known()), 5 * SECOND_MS)))
  expect(settings.read(triesMax)).toBe(7)
  await db.query('alter table platform.setting_change_away rename to setting_change')
  await waitFor(known, SECOND_MS)
})

test('the history cannot be rewritten, not even by hand', async () => {
  const { db } = await testDatabase()
  await putSetting(db, triesMax, 7)
  for (const sql of [
    `update platform.setting_change set value = '8'`,
    'delete from platform.setting_change',
    'truncate platform.setting_change',
  ]) {
    await expect(db.query(sql)).rejects.toThrow('append-only')
  }
})
