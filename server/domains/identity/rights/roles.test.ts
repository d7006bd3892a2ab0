import { expect, test } from 'vitest'
import { actsOf, anEditor, editorFor, TERMINAL } from '#test/support/editors.ts'
import { aUser, identityApp } from '#test/support/identity.ts'
import { createRole } from './create-role.ts'
import { editRole } from './edit-role.ts'
import { listRoles, roleNamed } from './queries.ts'
import { removeRole } from './remove-role.ts'
import { PERMISSIONS_MAX, ROLES_MAX } from './role.ts'
import { setUserRole } from './set-user-role.ts'

const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )

test('a role is made, changed and removed, and the audit has each with before and after', async () => {
  const app = await identityApp()
  const admin = await editorFor(app, (await aUser(app, 'administrator')).id)
  const made = await createRole(app, admin, { name: 'night-shift', permissions: ['users:*', 'audit:read', 'users:*'] })
  expect(made).toMatchObject({ permissions: ['audit:read', 'users:*'], staff: false, area: null, built_in: false })
  const edited = await editRole(app, admin, { name: 'night-shift', permissions: ['audit:read'], staff: true })
  expect(edited).toMatchObject({ permissions: ['audit:read'], staff: true })
  // The same again is no change.
  await editRole(app, admin, { name: 'night-shift', permissions: ['audit:read'], staff: true })
  await removeRole(app, admin, 'night-shift')
  expect(await roleNamed(app, 'night-shift')).toBeUndefined()
  const subject = { user_id: admin.principal.user_id, subject_kind: 'role', subject_id: 'night-shift' }
  expect(await actsOf(app)).toEqual([
    {
      ...subject,
      action: 'roles.created',
      before: null,
      after: { description: '', permissions: ['audit:read', 'users:*'], staff: false, area: null },
      reason: null,
    },
    {
      ...subject,
      action: 'roles.edited',
      before: { permissions: ['audit:read', 'users:*'], staff: false },
      after: { permissions: ['audit:read'], staff: true },
      reason: null,
    },
    {
      ...subject,
      action: 'roles.removed',
      before: { description: '', permissions: ['audit:read'], staff: true, area: null },
      after: null,
      reason: null,
    },
  ])
})

test('nobody makes a role, or adds to one, what they do not hold themselves', async () => {
  const app = await identityApp()
  const editor = await anEditor(app, ['roles:edit', 'users:read:customer:{id}'], ['users:read:customer:17'])
  const make = (permissions: string[]) => refused(createRole(app, editor, { name: 'shift', permissions }))
  for (const each of ['audit:read', '*', 'users:*', 'users:read:trader:7', 'orders:place:own']) {
    expect([each, await make([each])]).toEqual([each, 'not_held'])
  }
  // Held, but for a part of it.
  expect(await make(['users:read:customer:{id}'])).toBe('not_held')
  expect(await make(['users:read:customer:18'])).toBe('done')
  const add = (permissions: string[]) => refused(editRole(app, editor, { name: 'shift', permissions }))
  expect(await add(['users:read:customer:18', 'audit:read'])).toBe('not_held')
  expect(await add(['users:read:customer:17'])).toBe('not_held')
  expect(await add(['users:read:customer:19', 'roles:edit'])).toBe('done')
  expect((await actsOf(app)).map((act) => act.action)).toEqual(['roles.created', 'roles.edited'])
})

test('nobody changes or removes a role that may do more than they, not even by making it smaller', async () => {
  const app = await identityApp()
  const editor = await anEditor(app, ['roles:edit', 'audit:read'])
  await createRole(app, TERMINAL, { name: 'chief', permissions: ['audit:read', 'users:*'] })
  expect(await refused(editRole(app, editor, { name: 'chief', permissions: [] }))).toBe('more_rights')
  expect(await refused(editRole(app, editor, { name: 'chief', staff: true }))).toBe('more_rights')
  expect(await refused(removeRole(app, editor, 'chief'))).toBe('more_rights')
  expect((await roleNamed(app, 'chief'))?.permissions).toEqual(['audit:read', 'users:*'])
})

test('rights that were taken from an editor a moment ago no longer count', async () => {
  const app = await identityApp()
  const editor = await anEditor(app, ['roles:edit', 'audit:read'])
  await app.db.query(`update identity.user set granted = '{roles:edit}' where id = $1`, [editor.id])
  expect(await refused(createRole(app, editor, { name: 'shift', permissions: ['audit:read'] }))).toBe('not_held')
  await app.db.query(`update identity.user set state = 'blocked' where id = $1`, [editor.id])
  expect(await refused(createRole(app, editor, { name: 'shift', permissions: [] }))).toBe('unauthenticated')
})

test('the role administrator stays whole, also by hand, and the roles of the house stay', async () => {
  const app = await identityApp()
  for (const change of [{ permissions: ['audit:read'] }, { permissions: ['*', 'audit:read'] }, { staff: false }]) {
    expect(await refused(editRole(app, TERMINAL, { name: 'administrator', ...change }))).toBe('built_in_role')
  }
  expect(await refused(editRole(app, TERMINAL, { name: 'administrator', description: 'All.' }))).toBe('done')
  for (const sql of [
    `update identity.role set permissions = '{audit:read}' where name = 'administrator'`,
    `update identity.role set name = 'chief' where name = 'administrator'`,
    `update identity.role set staff = false where name = 'administrator'`,
    `delete from identity.role where name = 'administrator'`,
  ]) {
    await expect(app.db.query(sql)).rejects.toThrow('may do everything and stays')
  }
  for (const role of ['administrator', 'support', 'teamlead', 'trader', 'merchant', 'customer']) {
    expect([role, await refused(removeRole(app, TERMINAL, role))]).toEqual([role, 'built_in_role'])
  }
})

test('a role that someone has is not removed', async () => {
  const app = await identityApp()
  await createRole(app, TERMINAL, { name: 'guest', permissions: [] })
  const user = await aUser(app)
  await setUserRole(app, TERMINAL, { user_id: user.id, role: 'guest' })
  expect(await refused(removeRole(app, TERMINAL, 'guest'))).toBe('role_in_use')
  await setUserRole(app, TERMINAL, { user_id: user.id, role: 'customer' })
  expect(await refused(removeRole(app, TERMINAL, 'guest'))).toBe('done')
})

test('bad input is refused by its field, and two roles of one name are not made', async () => {
  const app = await identityApp()
  const make = (input: Partial<Parameters<typeof createRole>[2]>) =>
    refused(createRole(app, TERMINAL, { name: 'shift', permissions: [], ...input }))
  for (const name of ['', 'A', 'a', 'a b', '1a', 'x'.repeat(41), 'a\n']) expect(await make({ name })).toBe('bad_field')
  for (const each of ['', 'a b', 'a::b', '{role}', 'x'.repeat(81), 'a:**']) {
    expect([each, await make({ permissions: [each] })]).toEqual([each, 'bad_field'])
  }
  const many = Array.from({ length: PERMISSIONS_MAX + 1 }, (_, i) => `a:${i}`)
  expect(await make({ permissions: many })).toBe('bad_field')
  expect(await make({ permissions: many.slice(1) })).toBe('done')
  expect(await make({})).toBe('role_taken')
  expect(await refused(editRole(app, TERMINAL, { name: 'none', staff: true }))).toBe('role_not_found')
  expect(await refused(editRole(app, TERMINAL, { name: 'shift', permissions: ['a b'] }))).toBe('bad_field')
  expect(await refused(removeRole(app, TERMINAL, 'none'))).toBe('role_not_found')
})

test('there are only so many roles', async () => {
  const app = await identityApp()
  await app.db.query(
    `insert into identity.role (name, permissions) select 'r' || i, '{}' from generate_series(1, $1) as i`,
    [ROLES_MAX - 6],
  )
  expect(await refused(createRole(app, TERMINAL, { name: 'more', permissions: [] }))).toBe('too_many_roles')
  expect((await listRoles(app)).slice(0, 2).map((role) => role.name)).toEqual(['administrator', 'customer'])
  expect(await listRoles(app)).toHaveLength(ROLES_MAX)
})
