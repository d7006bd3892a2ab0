import { expect, test } from 'vitest'
import { jobAttempts, jobRetryBase } from '#server/platform/jobs/job-settings.ts'
import { terminal } from '#test/support/command.ts'
import { testDatabase } from '#test/support/database.ts'
import { waitFor } from '#test/support/identity.ts'
import { putSetting, someSettings } from '#test/support/settings.ts'

async function setup() {
  const { db, url } = await testDatabase()
  return { db, saldo: terminal(url) }
}

test('what can be changed is listed, with what somebody has set and what is refused', async () => {
  const { db, saldo } = await setup()
  await putSetting(db, jobAttempts, 7)
  await putSetting(db, jobRetryBase, 'soon')
  await putSetting(db, { name: 'old.limit' }, 3)
  const { code, out } = await saldo('settings', 'list')
  expect(code).toBe(0)
  const lines = out.split('\n')
  expect(lines).toContain('* jobs.attempts_max = 7 tries')
  expect(lines).toContain('! jobs.retry_base_ms = 3000 ms  (stored "soon" is refused; the default holds)')
  expect(lines).toContain('  jobs.retry_factor = 3 times')
  expect(lines).toContain('? old.limit = 3  (unknown to this version; nobody reads it)')
})

test('a setting is set, looked at, taken back, and its history told', async () => {
  const { db, saldo } = await setup()
  const settings = await someSettings({ db })
  const set = await saldo('settings', 'set', 'jobs.retry_base_ms', '5000', '--reason', 'The bank is slow')
  expect([set.code, set.out]).toEqual([0, 'jobs.retry_base_ms: default → 5000\n'])
  await waitFor(async () => settings.read(jobRetryBase) === 5_000, 1_000)
  const again = await saldo('settings', 'set', 'jobs.retry_base_ms', '5000', '--reason', 'once more')
  expect([again.code, again.out]).toEqual([0, 'jobs.retry_base_ms: already 5000\n'])
  const got = await saldo('settings', 'get', 'jobs.retry_base_ms')
  expect(got.out).toMatch(
    /^\* jobs\.retry_base_ms = 5000 ms\n.*first failure.*\n {2}Takes: \{.*"minimum":500.*\n.*Default: 3000\. Version: 1\.\n.*command: The bank is slow\n$/,
  )
  const reset = await saldo('settings', 'reset', 'jobs.retry_base_ms', '--reason', 'well again', '--version', '1')
  expect(reset.out).toBe('jobs.retry_base_ms: 5000 → default\n')
  const { out } = await saldo('settings', 'history', 'jobs.retry_base_ms')
  expect(out).toMatch(
    /^2 {2}\S+ {2}command {2}5000 → default {2}well again\n1 {2}\S+ {2}command {2}default → 5000 {2}The bank is slow\n$/,
  )
  const acts = await db.query(
    `select actor_kind, user_agent, reason from audit.act where action = 'settings.changed' order by id`,
  )
  expect(acts).toMatchObject([
    { actor_kind: 'command', user_agent: expect.stringMatching(/^saldo settings, as ./), reason: 'The bank is slow' },
    { actor_kind: 'command', reason: 'well again' },
  ])
})

test('what makes no sense is told with the usage, and what is refused with the reason', async () => {
  const { db, saldo } = await setup()
  const usage: [string[], string][] = [
    [['set', 'jobs.retry_base_ms', '5000'], '--reason is missing'],
    [['set', 'jobs.nothing', '5000', '--reason', 'x'], 'There is no such setting: jobs.nothing'],
    [['set', 'jobs.retry_base_ms'], 'Something is missing'],
    [['reset', 'jobs.retry_base_ms', '--reason', 'x', '--version', 'one'], '--version is a number'],
    [['turn'], 'not "turn"'],
  ]
  for (const [args, said] of usage) {
    const { code, err } = await saldo('settings', ...args)
    expect([code, err]).toEqual([2, expect.stringContaining(said)])
    expect(err).toContain('saldo settings list | get <name>')
  }
  const refused = await saldo('settings', 'set', 'jobs.retry_base_ms', '1', '--reason', 'x')
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('value: must be at least 500') })
  const stale = await saldo('settings', 'set', 'jobs.retry_base_ms', '5000', '--reason', 'x', '--version', '4')
  expect(stale).toMatchObject({ code: 1, err: expect.stringContaining('Its version is 0 now') })
  expect(await db.query('select from platform.setting_change')).toEqual([])
})

test('the help tells each verb and gives an example', async () => {
  const { saldo } = await setup()
  const { code, out } = await saldo('settings', '--help')
  expect(code).toBe(0)
  for (const word of ['list  ', 'get <name>', 'set <name> <value>', 'reset <name>', 'history <name>', 'Example: ']) {
    expect(out).toContain(word)
  }
})
