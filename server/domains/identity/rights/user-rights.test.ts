import { describe, expect, test } from 'vitest'
import { atBarrier } from '#test/support/barrier.ts'
import { actsOf, anEditor, editorFor, TERMINAL } from '#test/support/editors.ts'
import { aUser, type IdentityApp, identityApp } from '#test/support/identity.ts'
import { principalOfRow } from '../principal.ts'
import { createRole } from './create-role.ts'
import type { Editor } from './editor.ts'
import { setUserPermissions } from './set-user-permissions.ts'
import { setUserRole } from './set-user-role.ts'

const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )

async function rowOf(app: IdentityApp, id: bigint) {
  const [row] = await app.db.query('select role, granted, denied from identity.user where id = $1', [id])
  return row
}

const grantTo = (app: IdentityApp, editor: Editor, user_id: bigint, granted: string[], denied: string[] = []) =>
  refused(setUserPermissions(app, editor, { user_id, granted, denied }))

describe('what a user has more and less than the role', () => {
  test('is set as a whole, and the audit has what it was and is, and why', async () => {
    const app = await identityApp()
    const admin = await editorFor(app, (await aUser(app, 'administrator')).id)
    const user = await aUser(app, 'support')
    const input = { user_id: user.id, granted: ['users:*', 'audit:read'], denied: ['users:block:*'], reason: 'Lead.' }
    expect(await setUserPermissions(app, admin, input)).toEqual({
      granted: ['audit:read', 'users:*'],
      denied: ['users:block:*'],
    })
    // The same again, in another order, is no change.
    await setUserPermissions(app, admin, { ...input, granted: [...input.granted].reverse() })
    expect(await actsOf(app)).toEqual([
      {
        action: 'users.permissions_set',
        user_id: admin.principal.user_id,
        subject_kind: 'user',
        subject_id: String(user.id),
        before: { granted: [], denied: [] },
        after: { granted: ['audit:read', 'users:*'], denied: ['users:block:*'] },
        reason: 'Lead.',
      },
    ])
    const { principal } = await editorFor(app, user.id)
    expect(principal.rights.may('users:grant:customer:1')).toBe(true)
    expect(principal.rights.may('users:block:customer:1')).toBe(false)
  })

  test('is never more than the editor holds: not the grant, and not the end of a denial', async () => {
    const app = await identityApp()
    const editor = await anEditor(
      app,
      ['users:*:customer:{id}', 'services:read', 'audit:read'],
      ['users:block:customer:99'],
    )
    const user = await aUser(app)
    for (const each of ['settings:edit', '*', 'users:*', 'orders:place:own', 'users:block:customer:{id}']) {
      expect([each, await grantTo(app, editor, user.id, [each])]).toEqual([each, 'not_held'])
    }
    expect(await grantTo(app, editor, user.id, ['audit:read', 'users:block:customer:98'])).toBe('done')
    // What someone else gave may stay, though the editor does not hold it, as long as it is no power over others.
    await app.db.query(`update identity.user set granted = '{webhooks:read:own}', denied = '{orders:place:own}'`)
    await app.db.query(`update identity.user set granted = $2::text[], denied = '{}' where id = $1`, [
      editor.id,
      '{"users:*:customer:{id}",services:read,audit:read}',
    ])
    expect(await grantTo(app, editor, user.id, ['webhooks:read:own', 'audit:read'], [])).toBe('not_held')
    expect(await grantTo(app, editor, user.id, ['webhooks:read:own', 'audit:read'], ['orders:place:own'])).toBe('done')
  })

  test('is not changed for someone who may do more than the editor, not even to their loss', async () => {
    const app = await identityApp()
    const editor = await anEditor(app, ['users:*', 'audit:read'])
    const admin = await aUser(app, 'administrator')
    const stronger = await anEditor(app, ['users:*', 'audit:read', 'settings:edit'])
    const equal = await anEditor(app, ['users:*', 'audit:read'])
    expect(await grantTo(app, editor, admin.id, [], ['*'])).toBe('more_rights')
    expect(await grantTo(app, editor, stronger.id, [])).toBe('more_rights')
    expect(await grantTo(app, editor, equal.id, ['audit:read'])).toBe('done')
    expect(await refused(setUserRole(app, editor, { user_id: admin.id, role: 'customer' }))).toBe('more_rights')
  })

  test('is not changed by oneself, and by key not at all', async () => {
    const app = await identityApp()
    const admin = await editorFor(app, (await aUser(app, 'administrator')).id)
    const other = await aUser(app, 'administrator')
    const own = admin.principal.user_id
    expect(await grantTo(app, admin, own, ['audit:read'])).toBe('own_account')
    expect(await refused(setUserRole(app, admin, { user_id: own, role: 'customer' }))).toBe('own_account')
    const principal = principalOfRow(admin.principal, { key_id: 1n, scopes: ['*'], legacy_get: false })
    expect(await grantTo(app, { ...admin, principal }, other.id, [])).toBe('forbidden')
  })

  test('is hidden from who may not see the user, and refused to who may only see', async () => {
    const app = await identityApp()
    const user = await aUser(app)
    expect(await grantTo(app, await anEditor(app, ['users:*:trader:{id}']), user.id, [])).toBe('user_not_found')
    expect(await grantTo(app, await anEditor(app, [`users:read:customer:${user.id}`]), user.id, [])).toBe('forbidden')
    const editor = await anEditor(app, ['users:*'])
    expect(await grantTo(app, editor, 999_999n, [])).toBe('user_not_found')
    expect(await grantTo(app, TERMINAL, 999_999n, [])).toBe('user_not_found')
    for (const each of ['a b', '', '{role}']) expect(await grantTo(app, editor, user.id, [each])).toBe('bad_field')
  })
})

describe('another role', () => {
  test('is given with what it was, what it is, and why', async () => {
    const app = await identityApp()
    const admin = await editorFor(app, (await aUser(app, 'administrator')).id)
    const user = await aUser(app)
    await setUserRole(app, admin, { user_id: user.id, role: 'support', reason: 'Hired.' })
    await setUserRole(app, admin, { user_id: user.id, role: 'support' })
    expect(await rowOf(app, user.id)).toMatchObject({ role: 'support' })
    expect(await actsOf(app)).toMatchObject([
      { action: 'users.role_set', before: { role: 'customer' }, after: { role: 'support' }, reason: 'Hired.' },
    ])
    expect(await refused(setUserRole(app, admin, { user_id: user.id, role: 'emperor' }))).toBe('bad_field')
  })

  test('needs the right for people of both roles, and no role gives more than the editor holds', async () => {
    const app = await identityApp()
    await createRole(app, TERMINAL, { name: 'chief', permissions: ['settings:edit'] })
    const user = await aUser(app)
    const give = async (granted: string[], role: string) =>
      refused(setUserRole(app, await anEditor(app, granted), { user_id: user.id, role }))
    expect(await give(['users:*:customer:{id}', 'services:read'], 'trader')).toBe('forbidden')
    expect(await give(['users:*', 'services:read'], 'chief')).toBe('not_held')
    expect(await give(['users:*', 'services:read'], 'administrator')).toBe('not_held')
    expect(await give(['users:*', 'services:read', 'settings:*'], 'chief')).toBe('done')
    // A role of a house of its own people is no power over others, whatever it lets them do with their own.
    expect(await give(['users:*', 'services:read', 'settings:*'], 'merchant')).toBe('done')
  })

  test('does not lift what was granted to the user into more than the editor holds', async () => {
    const app = await identityApp()
    const editor = await anEditor(app, ['users:*', 'services:read'])
    const user = await aUser(app, 'nobody')
    await app.db.query(`update identity.user set granted = '{settings:edit}' where id = $1`, [user.id])
    expect(await refused(setUserRole(app, editor, { user_id: user.id, role: 'customer' }))).toBe('more_rights')
  })
})

describe('the last active administrator', () => {
  test('is not demoted, restricted, blocked or removed, by whatever way', async () => {
    const app = await identityApp()
    const { id } = await aUser(app, 'administrator')
    const blocked = await aUser(app, 'administrator')
    await app.db.query(`update identity.user set state = 'blocked' where id = $1`, [blocked.id])
    expect(await refused(setUserRole(app, TERMINAL, { user_id: id, role: 'support' }))).toBe('last_administrator')
    expect(await grantTo(app, TERMINAL, id, [], ['audit:read'])).toBe('last_administrator')
    for (const sql of [
      `update identity.user set state = 'blocked' where id = $1`,
      `update identity.user set role = 'customer' where id = $1`,
      'delete from identity.user where id = $1',
    ]) {
      await expect(app.db.query(sql, [id])).rejects.toMatchObject({ constraint: 'last_administrator' })
    }
    expect(await rowOf(app, id)).toEqual({ role: 'administrator', granted: [], denied: [] })
    // With another one it may be.
    await app.db.query(`update identity.user set state = 'active' where id = $1`, [blocked.id])
    expect(await refused(setUserRole(app, TERMINAL, { user_id: id, role: 'support' }))).toBe('done')
  })

  test('is left when two administrators demote each other at once', async () => {
    const app = await identityApp()
    const [a, b] = [await aUser(app, 'administrator'), await aUser(app, 'administrator')]
    const editors = [await editorFor(app, a.id), await editorFor(app, b.id)] as const
    const hold = (tx: { query(sql: string): Promise<unknown[]> }) => tx.query('select 1 from identity.user for update')
    const outcomes = await atBarrier(app.db, hold, [
      () => refused(setUserRole(app, editors[0], { user_id: b.id, role: 'customer' })),
      () => refused(setUserRole(app, editors[1], { user_id: a.id, role: 'customer' })),
    ])
    // Who came second has lost the right to, and sees no more of the other than any customer.
    expect(outcomes.toSorted()).toEqual(['done', 'user_not_found'])
    const left = await app.db.query(`select 1 from identity.user where role = 'administrator'`)
    expect(left).toHaveLength(1)
  })

  test('is left when the terminal demotes both at once', async () => {
    const app = await identityApp()
    const users = [await aUser(app, 'administrator'), await aUser(app, 'administrator')]
    const hold = (tx: { query(sql: string): Promise<unknown[]> }) =>
      tx.query(`select 1 from identity.role where name = 'administrator' for no key update`)
    const outcomes = await atBarrier(
      app.db,
      hold,
      users.map(
        ({ id }) =>
          () =>
            refused(setUserRole(app, TERMINAL, { user_id: id, role: 'customer' })),
      ),
    )
    expect(outcomes.toSorted()).toEqual(['done', 'last_administrator'])
  })
})
