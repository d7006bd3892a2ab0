import { expect, test } from 'vitest'
import { staffNetworks } from '#server/domains/identity/areas/staff-networks.ts'
import { jobRetryBase } from '#server/platform/jobs/job-settings.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { openDoors } from '#test/support/doors.ts'
import { waitFor } from '#test/support/identity.ts'
import { putSetting, someSettings } from '#test/support/settings.ts'
import { staffWith } from '#test/support/staff.ts'

const ONE = '/api/admin/settings/jobs.retry_base_ms'

async function setup() {
  const lines: string[] = []
  const log = openLog({ level: 'debug', destination: { write: (line) => void lines.push(line) } })
  const { shop, url, customer } = await openDoors({ log })
  const staff = await staffWith(shop.app, url, ['settings:read', 'settings:edit'])
  const acts = () =>
    shop.app.db.query<Record<string, unknown>>(
      `select action, user_id, via, subject_kind, subject_id, before, after, reason from audit.act
      where action like 'settings.%' order by id`,
    )
  return { app: shop.app, url, customer, staff, acts, lines }
}

test('staff see every setting with what it takes and what holds', async () => {
  const { staff } = await setup()
  const { status, body } = await staff.ask('GET', '/api/admin/settings')
  expect(status).toBe(200)
  expect(body.unknown).toEqual([])
  const names = body.data.map((each: { name: string }) => each.name)
  expect(names).toEqual(names.toSorted())
  expect(body.data).toContainEqual({
    name: 'jobs.retry_base_ms',
    description: expect.stringContaining('first failure'),
    unit: 'ms',
    schema: { type: 'integer', minimum: 500, maximum: 86_400_000 },
    default: 3_000,
    value: 3_000,
    is_default: true,
    version: '0',
    changed_at: null,
    changed_by: null,
    reason: null,
    refused: null,
  })
})

test('a change holds at once in the process that answered, within a second in every other, and is in history and audit', async () => {
  const { app, staff, acts } = await setup()
  const other = await someSettings(app)
  const changed = await staff.ask('PUT', ONE, { value: 5_000, version: '0', reason: ' The bank is slow. ' })
  expect(changed.status).toBe(200)
  expect(changed.body).toMatchObject({ value: 5_000, is_default: false, version: '1', reason: 'The bank is slow.' })
  expect(app.settings.read(jobRetryBase)).toBe(5_000)
  await waitFor(async () => other.read(jobRetryBase) === 5_000, 1_000)

  const reset = await staff.ask('POST', `${ONE}/reset`, { version: '1', reason: 'It is well again.' })
  expect(reset.body).toMatchObject({ value: 3_000, is_default: true, version: '2' })
  expect(app.settings.read(jobRetryBase)).toBe(3_000)
  await waitFor(async () => other.read(jobRetryBase) === 3_000, 1_000)

  const by = `user:${staff.user_id}`
  const shown = await staff.ask('GET', ONE)
  expect(shown.body).toMatchObject({ version: '2', changed_by: by, next_cursor: null })
  expect(shown.body.history).toEqual([
    {
      version: '2',
      at: expect.any(String),
      by,
      before: { is_default: false, value: 5_000 },
      after: { is_default: true },
      reason: 'It is well again.',
    },
    {
      version: '1',
      at: expect.any(String),
      by,
      before: { is_default: true },
      after: { is_default: false, value: 5_000 },
      reason: 'The bank is slow.',
    },
  ])
  const act = { action: 'settings.changed', user_id: staff.user_id, via: 'key', subject_kind: 'setting' }
  expect(await acts()).toEqual([
    {
      ...act,
      subject_id: 'jobs.retry_base_ms',
      before: { version: '0', default: true },
      after: { version: '1', value: 5_000 },
      reason: 'The bank is slow.',
    },
    {
      ...act,
      subject_id: 'jobs.retry_base_ms',
      before: { version: '1', value: 5_000 },
      after: { version: '2', default: true },
      reason: 'It is well again.',
    },
  ])
})

test('the history is read page by page', async () => {
  const { app, staff } = await setup()
  for (let i = 0; i < 5; i++) await putSetting(app.db, jobRetryBase, 1_000 + i)
  const seen: string[] = []
  let path: string | undefined = `${ONE}?limit=2`
  while (path !== undefined) {
    const page = await staff.ask('GET', path)
    seen.push(...page.body.history.map((step: { version: string }) => step.version))
    path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]
  }
  expect(seen).toEqual(['5', '4', '3', '2', '1'])
  expect((await staff.ask('GET', `${ONE}?cursor=nonsense`)).body.code).toBe('invalid_cursor')
})

test('two editors of one version: the second is told, with the present version, and nothing of theirs is kept', async () => {
  const { staff, acts } = await setup()
  const edit = (value: number) => staff.ask('PUT', ONE, { value, version: '0', reason: 'race' })
  const answers = await Promise.all([edit(1_000), edit(2_000), edit(4_000)])
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409])
  for (const { status, body } of answers)
    if (status === 409) expect(body).toMatchObject({ code: 'setting_stale', version: '1' })
  expect(await acts()).toHaveLength(1)
  const late = await staff.ask('POST', `${ONE}/reset`, { version: '0', reason: 'late' })
  expect([late.status, late.body.code]).toEqual([409, 'setting_stale'])
})

test('what a setting does not take is refused with the reason, and so is a change without one', async () => {
  const { staff, acts } = await setup()
  const put = async (body: unknown, path = ONE) => {
    const { status, body: problem } = await staff.ask('PUT', path, body)
    return [status, problem.code, problem.errors?.[0]]
  }
  const usual = { value: 5_000, version: '0', reason: 'a test' }
  const refused = (reason: string) => [422, 'setting_refused', { field: 'value', reason }]
  expect(await put({ ...usual, value: 499 })).toEqual(refused('must be at least 500'))
  expect(await put({ ...usual, value: '5000' })).toEqual(refused('must be a number'))
  expect(await put({ ...usual, value: null })).toEqual(refused('must be a number'))
  const secret = `sk_${'a'.repeat(43)}`
  const never = refused('must not carry a secret: those are set in the environment')
  expect(await put({ ...usual, value: secret })).toEqual(never)
  expect(await put({ ...usual, value: [{ password: 'x' }] })).toEqual(never)
  const bad = (field: string, reason: string) => [400, 'invalid_request', { field, reason }]
  expect(await put({ version: '0', reason: 'a test' })).toEqual(bad('value', 'is required'))
  expect(await put({ ...usual, reason: '  ' })).toEqual(bad('reason', 'must not be empty'))
  expect(await put({ ...usual, reason: 'x'.repeat(501) })).toEqual(bad('reason', 'must have at most 500 characters'))
  expect(await put({ ...usual, version: 0 })).toEqual(bad('version', 'must be a string'))
  expect(await put({ ...usual, actor: 'user:1' })).toEqual(bad('actor', 'is not a known field'))
  expect(await put(usual, '/api/admin/settings/jobs.nothing')).toEqual([404, 'setting_not_found', undefined])
  expect((await staff.ask('GET', '/api/admin/settings/jobs.nothing')).body.code).toBe('setting_not_found')
  expect(await acts()).toEqual([])
})

test('a secret that somebody writes into the reason is kept nowhere', async () => {
  const { app, staff, acts, lines } = await setup()
  const secret = `sk_${'a'.repeat(43)}`
  const { body } = await staff.ask('PUT', ONE, { value: 5_000, version: '0', reason: `my key ${secret}` })
  expect(body.reason).toBe('my key ***')
  const kept = await app.db.query('select * from platform.setting_change')
  for (const text of [
    String(kept.map((row) => Object.values(row))),
    JSON.stringify(await acts().then((all) => all.map(String))),
    lines.join(),
  ]) {
    expect(text).not.toContain(secret)
  }
})

test('what is stored but refused or unknown is shown as such, and can be mended', async () => {
  const { app, staff } = await setup()
  await putSetting(app.db, jobRetryBase, -1)
  await putSetting(app.db, { name: 'old.limit' }, 7)
  const { body } = await staff.ask('GET', '/api/admin/settings')
  expect(body.unknown).toMatchObject([{ name: 'old.limit', value: 7, version: '1' }])
  const shown = (await staff.ask('GET', ONE)).body
  expect(shown).toMatchObject({
    value: 3_000,
    refused: { value: -1, errors: [{ field: 'value', reason: 'must be at least 500' }] },
  })
  const mended = await staff.ask('PUT', ONE, { value: 700, version: '1', reason: 'mended' })
  expect(mended.body).toMatchObject({ value: 700, refused: null, version: '2' })
})

test('who may read may not change, and a customer may neither', async () => {
  const { app, url, customer, acts } = await setup()
  const reader = await staffWith(app, url, ['settings:read'])
  const editor = await staffWith(app, url, ['settings:edit'])
  const body = { value: 5_000, version: '0', reason: 'a test' }
  expect((await reader.ask('GET', ONE)).status).toBe(200)
  expect((await reader.ask('PUT', ONE, body)).status).toBe(403)
  expect((await reader.ask('POST', `${ONE}/reset`, { version: '0', reason: 'x' })).status).toBe(403)
  expect((await editor.ask('GET', ONE)).status).toBe(403)
  expect((await editor.ask('GET', '/api/admin/settings')).status).toBe(403)
  const { key } = await customer()
  for (const method of ['GET', 'PUT']) {
    const answer = await fetch(url + ONE, { method, headers: { 'x-api-key': key } })
    expect(answer.status).toBe(403)
  }
  expect(await acts()).toEqual([])
})

test('the networks of staff are neither closed to oneself nor opened to all without saying so, by a change or a reset', async () => {
  const { app, staff } = await setup()
  const path = `/api/admin/settings/${staffNetworks.name}`
  const put = (value: unknown, version: string, more = {}) =>
    staff.ask('PUT', path, { value, version, reason: 'a test', ...more })
  expect((await put(['192.0.2.0/24'], '0')).body).toMatchObject({ code: 'locks_you_out' })
  expect((await put(['127.0.0.0/8'], '0')).status).toBe(200)
  const reset = (more = {}) => staff.ask('POST', `${path}/reset`, { version: '1', reason: 'a test', ...more })
  expect((await reset()).status).toBe(409)
  expect((await reset()).body).toMatchObject({ code: 'opens_to_all' })
  expect((await put([], '1')).body).toMatchObject({ code: 'opens_to_all' })
  expect(app.settings.read(staffNetworks)).toEqual(['127.0.0.0/8'])
  expect((await reset({ confirm: true })).body).toMatchObject({ value: [], version: '2' })
  // Nothing is opened that was open before.
  expect((await put([], '2')).status).toBe(200)
})
