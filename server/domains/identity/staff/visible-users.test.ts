import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Conditions } from '#server/platform/db/conditions.ts'
import { aUser, identityApp } from '#test/support/identity.ts'
import { can, type Principal, principalOfRow, type Scope } from '../principal.ts'
import { addVisibleUsers } from './visible-users.ts'

test('the condition holds for exactly those users of whom the permissions say so', async () => {
  const app = await identityApp()
  const users: { id: bigint; role: string }[] = []
  for (const role of ['customer', 'customer', 'trader', 'merchant', 'support']) users.push(await aUser(app, role))
  const word = fc.constantFrom('users', 'read', 'block', 'customer', 'trader', '*', '*', '{id}')
  const id = fc.constantFrom('*', '{id}', 'own', '99999999999999999999', ...users.map((user) => String(user.id)))
  const likely = fc
    .tuple(
      fc.constantFrom('users', '*'),
      fc.constantFrom('read', '*'),
      fc.constantFrom('customer', 'trader', '*', '{id}'),
      id,
    )
    .map((words) => words.join(':'))
  const pattern = fc.oneof(
    { weight: 3, arbitrary: likely },
    fc.array(fc.oneof(word, id), { minLength: 1, maxLength: 5 }).map((words) => words.join(':')),
  )
  const scopes = fc.option(fc.subarray<Scope>(['*', 'read', 'order']), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(
      fc.array(pattern, { maxLength: 4 }),
      fc.array(pattern, { maxLength: 2 }),
      scopes,
      async (permissions, denied, limited) => {
        const holder = { user_id: 1n, role: 'support', staff: true, area: 'support', permissions, denied } as const
        const principal: Principal = limited
          ? principalOfRow(holder, { key_id: 1n, scopes: limited, legacy_get: false })
          : principalOfRow(holder, { session_area: 'support' })
        const where = new Conditions()
        addVisibleUsers(where, principal, 'read')
        const sql = `select id from identity.user where ${where.sql} order by id`
        const seen = await app.db.query<{ id: bigint }>(sql, where.values)
        const expected = users.filter((user) => can(principal, `users:read:${user.role}:${user.id}`))
        expect(seen.map((user) => user.id)).toEqual(expected.map((user) => user.id))
      },
    ),
    { numRuns: 400 },
  )
})
