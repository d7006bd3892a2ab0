import { describe, expect, test } from 'vitest'
import { atBarrier } from '#test/support/barrier.ts'
import { actsOf, anEditor, editorFor, TERMINAL } from '#test/support/editors.ts'
import { aKey, anAuthentication, aUser, identityApp, waitFor } from '#test/support/identity.ts'
import { aSession } from '#test/support/sessions.ts'
import { checkApiKey } from '../keys/check-api-key.ts'
import type { Editor } from '../rights/editor.ts'
import { checkSession } from '../sessions/check-session.ts'
import { blockUser } from './block-user.ts'
import { editUser } from './edit-user.ts'
import { endUserSessions } from './end-user-sessions.ts'
import { findUser } from './find-user.ts'
import { countUsers, listUsers, USERS_PAGE_MAX, type UserFilter } from './list-users.ts'
import { unblockUser } from './unblock-user.ts'

const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )

type TestApp = Awaited<ReturnType<typeof identityApp>>

const eventsOf = async (app: TestApp) =>
  (await app.db.query<{ payload: { kind: string } }>(`select payload from platform.outbox order by id`)).map(
    ({ payload }) => payload.kind,
  )

describe('blocking', () => {
  test('ends the sessions and stops the keys in every process within a second, and is told and written down', async () => {
    const app = await identityApp()
    const processes = [await anAuthentication(app), await anAuthentication(app)]
    const { key, user_id } = await aKey(app)
    const token = await aSession(app, user_id)
    const admin = await editorFor(app, (await aUser(app, 'administrator')).id)
    const holds = async (each: (typeof processes)[0]) => [
      !((await checkApiKey(each, key, '192.0.2.1')) instanceof Error),
      !((await checkSession(each, token)) instanceof Error),
    ]
    for (const each of processes) expect(await holds(each)).toEqual([true, true])
    await blockUser(app, admin, { user_id, reason: 'Stolen cards.' })
    const refusals = processes.map((each) => waitFor(async () => (await holds(each)).every((one) => !one), 5_000))
    expect(Math.max(...(await Promise.all(refusals)))).toBeLessThan(1_000)
    expect(await findUser(app, admin.principal, user_id)).toMatchObject({
      state: 'blocked',
      blocked_reason: 'Stolen cards.',
      blocked_at: expect.any(Date),
      sessions: 0,
      api_keys: 1,
    })
    // Again is no act.
    await blockUser(app, admin, { user_id, reason: 'Once more.' })
    await unblockUser(app, admin, { user_id, reason: 'Cleared.' })
    await unblockUser(app, admin, { user_id, reason: 'Cleared.' })
    // Keys work again, sessions do not come back.
    for (const each of processes) {
      await waitFor(async () => (await holds(each))[0] === true, 5_000)
      expect((await holds(each))[1]).toBe(false)
    }
    expect((await actsOf(app)).filter((act) => act.action.startsWith('users.'))).toMatchObject([
      { action: 'users.blocked', before: { state: 'active' }, after: { state: 'blocked' }, reason: 'Stolen cards.' },
      { action: 'users.unblocked', before: { state: 'blocked' }, after: { state: 'active' }, reason: 'Cleared.' },
    ])
    expect(await eventsOf(app)).toEqual(['blocked', 'unblocked'])
  })

  test('happens once when two do it at once', async () => {
    const app = await identityApp()
    const user = await aUser(app)
    const editors = [
      await anEditor(app, ['users:*', 'services:read']),
      await anEditor(app, ['users:*', 'services:read']),
    ]
    const hold = (tx: { query(sql: string, values: unknown[]): Promise<unknown[]> }) =>
      tx.query('select 1 from identity.user where id = $1 for update', [user.id])
    await atBarrier(
      app.db,
      hold,
      editors.map((editor) => () => blockUser(app, editor, { user_id: user.id, reason: 'Fraud.' })),
    )
    expect((await actsOf(app)).map((act) => act.action)).toEqual(['users.blocked'])
  })

  test('leaves an administrator: not the last one, not oneself, and none by who may do less', async () => {
    const app = await identityApp()
    const [a, b] = [await aUser(app, 'administrator'), await aUser(app, 'administrator')]
    const [by_a, support] = [await editorFor(app, a.id), await anEditor(app, ['users:*'])]
    const block = (editor: Editor, user_id: bigint) => refused(blockUser(app, editor, { user_id, reason: 'x' }))
    expect(await block(by_a, a.id)).toBe('own_account')
    expect(await block(support, a.id)).toBe('more_rights')
    expect(await block(by_a, b.id)).toBe('done')
    expect(await block(TERMINAL, a.id)).toBe('last_administrator')
  })

  test('of two administrators who block each other at once one is left', async () => {
    const app = await identityApp()
    const users = [await aUser(app, 'administrator'), await aUser(app, 'administrator')]
    const editors = [await editorFor(app, users[0]?.id as bigint), await editorFor(app, users[1]?.id as bigint)]
    const hold = (tx: { query(sql: string): Promise<unknown[]> }) => tx.query('select 1 from identity.user for update')
    const outcomes = await atBarrier(
      app.db,
      hold,
      editors.map((editor, i) => () => {
        const user_id = users[1 - i]?.id as bigint
        return refused(blockUser(app, editor, { user_id, reason: 'x' }))
      }),
    )
    expect(outcomes.toSorted()).toEqual(['done', 'unauthenticated'])
  })
})

test('all sessions of a user are ended at once, and only theirs', async () => {
  const app = await identityApp()
  const [user, neighbour] = [await aUser(app), await aUser(app)]
  for (const { id } of [user, user, neighbour]) await aSession(app, id)
  const editor = await anEditor(app, ['users:end-sessions:customer:{id}', 'services:read'])
  const end = { user_id: user.id, reason: 'Lost telephone.' }
  expect(await endUserSessions(app, editor, end)).toBe(2)
  expect(await endUserSessions(app, editor, end)).toBe(0)
  const left = await app.db.query('select user_id from identity.session where ended_at is null')
  expect(left).toEqual([{ user_id: neighbour.id }])
  expect(await actsOf(app)).toMatchObject([{ action: 'users.sessions_ended', before: { sessions: 2 } }])
})

test('a name is corrected, and nothing else', async () => {
  const app = await identityApp()
  const user = await aUser(app)
  const editor = await anEditor(app, ['users:*:customer:{id}', 'services:read'])
  await editUser(app, editor, { user_id: user.id, name: ' Ada ', locale: 'bn' })
  await editUser(app, editor, { user_id: user.id, name: 'Ada' })
  await editUser(app, editor, { user_id: user.id })
  expect(await findUser(app, editor.principal, user.id)).toMatchObject({ name: 'Ada', locale: 'bn', role: 'customer' })
  expect(await actsOf(app)).toMatchObject([
    { action: 'users.edited', before: { name: '', locale: 'en' }, after: { name: 'Ada', locale: 'bn' } },
  ])
  for (const name of ['a\0b', 'x'.repeat(101)]) {
    expect(await refused(editUser(app, editor, { user_id: user.id, name }))).toBe('bad_field')
  }
})

describe('the list', () => {
  async function setup() {
    const app = await identityApp()
    const admin = await editorFor(app, (await aUser(app, 'administrator')).id)
    const insert = `
      insert into identity.user (email, name, password_hash, role, state, created_at)
      select 'p' || i || '@list.example', case when i % 2 = 0 then 'Name ' || i else '' end, '$argon2id$x',
        case when i % 3 = 0 then 'trader' else 'customer' end, case when i % 5 = 0 then 'blocked' else 'active' end,
        timestamptz '2026-01-01' + i * interval '1 day'
      from generate_series(1, 30) as i`
    await app.db.query(insert)
    const list = async (filter: UserFilter, principal = admin.principal) =>
      (await listUsers(app, principal, filter, { limit: USERS_PAGE_MAX })).users.map((user) => user.email)
    return { app, admin, list }
  }

  test('finds by address, name, id, role, state and time', async () => {
    const { app, list } = await setup()
    expect(await list({ q: 'P7@LIST' })).toEqual(['p7@list.example'])
    expect(await list({ q: ' name 2' })).toEqual([28, 26, 24, 22, 20, 2].map((i) => `p${i}@list.example`))
    const [row] = await app.db.query<{ id: bigint }>(`select id from identity.user where email = 'p9@list.example'`)
    expect(await list({ q: String(row?.id) })).toEqual(['p9@list.example'])
    expect(await list({ role: 'trader', state: 'blocked' })).toEqual(['p30@list.example', 'p15@list.example'])
    expect(
      await list({ created_from: new Date('2026-01-29'), created_to: new Date('2026-01-31'), role: 'customer' }),
    ).toEqual(['p29@list.example', 'p28@list.example'])
    // What means something to `like` means nothing here.
    for (const q of ['%', '_', 'p_@', '\\', "'", 'p7@list.example%']) expect([q, await list({ q })]).toEqual([q, []])
  })

  test('shows and counts those alone whom one may see', async () => {
    const { app, list } = await setup()
    const { principal } = await anEditor(app, ['users:read:trader:{id}'])
    const seen = await list({}, principal)
    expect(seen).toHaveLength(10)
    expect(await list({ q: 'p1@' }, principal)).toEqual([])
    expect(await list({ role: 'customer' }, principal)).toEqual([])
    expect(await countUsers(app, principal, {})).toEqual([
      { role: 'trader', state: 'active', users: 8 },
      { role: 'trader', state: 'blocked', users: 2 },
    ])
    const [customer] = await app.db.query<{ id: bigint }>(
      `select id from identity.user where email = 'p1@list.example'`,
    )
    expect(await refused(findUser(app, principal, customer?.id as bigint))).toBe('user_not_found')
    const { principal: without } = await anEditor(app, ['users:block:customer:{id}'])
    expect(await list({}, without)).toEqual([])
  })

  test('goes page by page through all, once each, newest first', async () => {
    const { app, admin } = await setup()
    const seen: bigint[] = []
    let before: bigint | undefined
    for (let pages = 0, more = true; more && pages < 20; pages++) {
      const page = await listUsers(app, admin.principal, {}, { before, limit: 7 })
      seen.push(...page.users.map((user) => user.id))
      before = seen.at(-1)
      more = page.has_more
    }
    expect(seen).toHaveLength(31)
    expect(seen).toEqual(seen.toSorted((a, b) => (a > b ? -1 : 1)))
    expect(new Set(seen).size).toBe(31)
  })

  test('tells when each was last seen', async () => {
    const { app, admin } = await setup()
    const user = await aUser(app)
    const of = async () => (await listUsers(app, admin.principal, { q: user.email }, { limit: 1 })).users[0]
    expect((await of())?.last_seen_at).toBeNull()
    await aSession(app, user.id)
    expect((await of())?.last_seen_at).toBeInstanceOf(Date)
  })
})
