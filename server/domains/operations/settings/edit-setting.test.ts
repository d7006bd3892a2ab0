import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Actor } from '#server/domains/audit/act.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { DEFAULT } from '#server/platform/settings/change-setting.ts'
import { settingSteps } from '#server/platform/settings/queries.ts'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { testApp } from '#test/support/app.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { testDatabase } from '#test/support/database.ts'
import { waitFor } from '#test/support/identity.ts'
import { editSetting } from './edit-setting.ts'

const pace = defineSetting({
  name: 'test.pace',
  schema: z.number().int().min(1).max(1_000_000),
  default: 1,
  description: 'How fast.',
})
const anything = defineSetting({ name: 'test.anything', schema: z.json(), default: null, description: 'Anything.' })
const SETTINGS = [pace, anything]
const ADA: Actor = { kind: 'user', user_id: 7n, via: 'session' }

const edit = (value: unknown, version: bigint, name = pace.name) => ({
  name,
  value,
  version,
  reason: 'test',
  actor: ADA,
})

/** Two processes to each other: nothing in common but the database. */
async function twoProcesses() {
  const { db, url } = await testDatabase()
  return { db, one: await testApp({ url }), other: await testApp({ url }) }
}

const CUT = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and query in ('select 1', 'listen "settings_changed"')`

test('a change made in one process holds in another within a second, though its listening connection is cut at that moment', async () => {
  const { db, one, other } = await twoProcesses()
  for (let i = 0n; i < 5n; i++) {
    const value = 10 + Number(i)
    const [, cut] = await Promise.all([editSetting(one, SETTINGS, edit(value, i)), db.query(CUT)])
    expect(one.settings.read(pace)).toBe(value)
    await waitFor(async () => other.settings.read(pace) === value, 1_000)
    if (i === 0n) expect(cut.length).toBeGreaterThan(0)
  }
})

test('of two processes that edit the same version at once one does, one is told, and one act is recorded', async () => {
  const { db, one, other } = await twoProcesses()
  const attempts = [one, other, one, other].map((app, i) => {
    return () => editSetting(app, SETTINGS, edit(20 + i, 0n)).catch((error: unknown) => error)
  })
  const outcomes = await atBarrier(db, (tx) => tx.query('lock table platform.setting_change in share mode'), attempts)
  const refused = outcomes.filter((each) => each instanceof ProblemError)
  expect(refused.map(({ code }) => code)).toEqual(Array(3).fill('setting_stale'))
  expect(await db.query('select from platform.setting_change')).toHaveLength(1)
  expect(await db.query('select from audit.act')).toHaveLength(1)
})

test('whatever the value, it is kept and recorded as it was sent, or refused as a problem without a trace', async () => {
  const app = await testApp()
  // The default, where it comes first, would change nothing and leave no step.
  let { version } = await editSetting(app, SETTINGS, edit('first', 0n, anything.name))
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }),
    fc.constantFrom(
      `sk_${'a'.repeat(43)}`,
      { password: 'x' },
      { a: [{ api_key: 1 }] },
      '\0',
      '\ud800',
      undefined,
      DEFAULT,
    ),
    fc.integer({ min: 1, max: 5 }).map((size) => 'я'.repeat(10 ** size)),
    fc.dictionary(fc.constantFrom('__proto__', 'constructor', 'key', 'a'), fc.jsonValue({ maxDepth: 1 }), {
      maxKeys: 3,
    }),
  )
  await fc.assert(
    fc.asyncProperty(value, async (sent) => {
      const outcome = await editSetting(app, SETTINGS, edit(sent, version, anything.name)).catch(
        (error: unknown) => error,
      )
      if (outcome instanceof Error) {
        expect(outcome).toBeInstanceOf(ProblemError)
        expect([400, 422]).toContain((outcome as ProblemError).status)
        return
      }
      version = (outcome as { version: bigint }).version
      const stored = sent === DEFAULT ? null : JSON.parse(JSON.stringify(sent))
      expect(app.settings.read(anything)).toEqual(anything.schema.parse(stored))
      const [step] = (await settingSteps(app.db, anything.name, { limit: 1 })).steps
      // Of a setting that was never set there is no step: the default sent first changes nothing.
      expect(step ? step.after : DEFAULT).toEqual(sent === DEFAULT ? DEFAULT : stored)
    }),
    { numRuns: 200 },
  )
  expect(version).toBeGreaterThan(20n)
  const [acts] = await app.db.query<{ count: bigint }>(
    `select count(*) from audit.act where action = 'settings.changed'`,
  )
  expect(acts?.count).toBe(version)
})
