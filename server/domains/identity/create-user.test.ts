import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { identityApp, PASSWORD } from '#test/support/identity.ts'
import { createUser } from './create-user.ts'
import { userByEmail, userById } from './queries.ts'

test('a user is created active, under the address in lower case, with the password hashed', async () => {
  const app = await identityApp()
  const user = await createUser(app, { email: ' Ada@Example.COM ', password: PASSWORD, role: 'customer', name: 'Ada' })
  expect(user).toEqual({
    id: expect.any(BigInt),
    email: 'ada@example.com',
    name: 'Ada',
    role: 'customer',
    state: 'active',
    locale: 'en',
    created_at: expect.any(Date),
  })
  const [row] = await app.db.query<{ password_hash: string }>('select password_hash from identity.user')
  expect(row?.password_hash).toMatch(/^\$argon2id\$/)
  expect(await userByEmail(app, 'ADA@example.com')).toEqual(user)
  expect(await userById(app, user.id)).toEqual(user)
  expect(await userById(app, user.id + 1n)).toBeUndefined()
  expect(await userByEmail(app, 'not an address')).toBeUndefined()
  const after = { email: 'ada@example.com', name: 'Ada', role: 'customer', locale: 'en' }
  expect(await actsIn(app.db)).toMatchObject([{ action: 'users.created', subject_id: String(user.id), after }])
})

test('of two with one address, in whatever case and at once, one is created', async () => {
  const app = await identityApp()
  const outcomes = await Promise.allSettled(
    ['twin@example.com', 'TWIN@example.com'].map((email) =>
      createUser(app, { email, password: PASSWORD, role: 'customer' }),
    ),
  )
  expect(outcomes.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected'])
  const refused = outcomes.find((each) => each.status === 'rejected')
  expect(refused?.reason).toMatchObject({ code: 'email_taken', status: 409 })
})

test.each([
  ['email', { email: 'nobody' }],
  ['email', { email: 'a@b' }],
  ['email', { email: 'a b@example.com' }],
  ['email', { email: 'a\0@example.com' }],
  ['email', { email: 'ü@example.com' }],
  ['email', { email: `${'a'.repeat(250)}@example.com` }],
  ['password', { password: 'short12' }],
  ['password', { password: 'x'.repeat(257) }],
  ['name', { name: 'a\0b' }],
  ['name', { name: 'x'.repeat(101) }],
  ['name', { name: `sk_${'A'.repeat(43)}` }],
  ['role', { role: 'emperor' }],
  ['role', { role: "'; drop table identity.user; --" }],
])('a bad %s is refused by name: %j', async (field, bad) => {
  const app = await identityApp()
  const input = { email: 'ada@example.com', password: PASSWORD, role: 'customer', ...bad }
  await expect(createUser(app, input)).rejects.toMatchObject({ code: 'bad_field', status: 422, field })
  expect(await app.db.query('select 1 from identity.user')).toEqual([])
})
