import { expect, test } from 'vitest'
import { passwordMatches } from '#server/domains/identity/accounts/password.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { actsIn } from '#test/support/acts.ts'
import { testApp } from '#test/support/app.ts'
import { terminal } from '#test/support/command.ts'
import { testDatabase } from '#test/support/database.ts'
import { aSession } from '#test/support/sessions.ts'

const EMAIL = 'ada@example.com'
const PASSWORD = 'correct horse battery'

/** A customer with a session and a second factor, and the terminal of whoever helps. */
async function setup() {
  const { url } = await testDatabase()
  const app = await testApp({ url })
  const user = await createUser(app, { email: EMAIL, password: PASSWORD, role: 'customer' })
  await aSession(app, user.id)
  await app.db.query(
    `insert into identity.totp (user_id, secret_ciphertext, key_id, created_at, confirmed_at)
    values ($1, decode(repeat('00', 40), 'hex'), repeat('0', 16), now(), now())`,
    [user.id],
  )
  const count = async (what: string) => (await app.db.query(`select 1 from identity.${what}`)).length
  const opens = async (password: string) => {
    const [row] = await app.db.query<{ password_hash: string }>('select password_hash from identity.user')
    return passwordMatches(row?.password_hash ?? '', password)
  }
  const stands = async () => ({
    sessions: await count('session where ended_at is null'),
    second_factor: await count('totp'),
    first_password: await opens(PASSWORD),
    acts: (await actsIn(app.db)).length,
  })
  /** The last act of the audit, as far as it tells who did what and why. */
  const lastAct = async () => {
    const { action, actor_kind, subject_id, reason } = (await actsIn(app.db)).at(-1) ?? {}
    return { action, actor_kind, subject_id, reason }
  }
  return { run: terminal(url), opens, stands, lastAct, by: { actor_kind: 'command', subject_id: String(user.id) } }
}

test('a password is made anew, told once, and ends what the old one opened', async () => {
  const { run, opens, stands, lastAct, by } = await setup()
  const { code, out, err } = await run('users', 'reset-password', EMAIL, '--reason', 'Forgotten.')
  expect([code, err]).toEqual([0, ''])
  const [, password = ''] = /the new password is (\S+)/.exec(out) ?? []
  expect(await opens(password)).toBe(true)
  expect(await stands()).toMatchObject({ sessions: 0, second_factor: 1, first_password: false })
  expect(await lastAct()).toEqual({ ...by, action: 'passwords.changed', reason: 'Forgotten.' })
})

test('a password that was given is not said back', async () => {
  const { run, opens } = await setup()
  const { out } = await run('users', 'reset-password', EMAIL, '--password', 'another long secret')
  expect(await opens('another long secret')).toBe(true)
  expect(out).not.toContain('another long secret')
})

test('someone is signed out everywhere, or loses a second factor, with the reason', async () => {
  const { run, stands, lastAct, by } = await setup()
  expect((await run('users', 'end-sessions', EMAIL, '--reason', 'Stolen telephone.')).code).toBe(0)
  expect(await stands()).toMatchObject({ sessions: 0, second_factor: 1, first_password: true })
  expect(await lastAct()).toEqual({ ...by, action: 'users.sessions_ended', reason: 'Stolen telephone.' })

  expect((await run('users', 'disable-totp', EMAIL)).code).toBe(0)
  expect(await stands()).toMatchObject({ second_factor: 0, first_password: true })
  expect(await lastAct()).toEqual({ ...by, action: 'totp.disabled', reason: 'by command' })
})

test('what is asked wrongly is said in words, and changes nothing', async () => {
  const { run, stands } = await setup()
  const before = await stands()
  const wrong: [string[], RegExp][] = [
    [[], /expected reset-password, end-sessions, disable-totp/],
    [['delete', EMAIL], /not "delete"/],
    [['end-sessions'], /./],
    [['end-sessions', 'nobody@example.com'], /There is no user nobody@example.com/],
    [['end-sessions', EMAIL, '--reason', ''], /--reason has 1 to 500 characters/],
    [['disable-totp', EMAIL, '--reason', '  '], /--reason has 1 to 500 characters/],
    [['reset-password', EMAIL, '--reason', 'x'.repeat(501)], /--reason has 1 to 500 characters/],
    [['reset-password', EMAIL, '--password', 'short'], /password/i],
    [['end-sessions', EMAIL, '--password', 'x'], /password/],
  ]
  for (const [args, words] of wrong) {
    const { code, err } = await run('users', ...args)
    expect([args, code > 0]).toEqual([args, true])
    expect(err).toMatch(words)
    expect(err).not.toMatch(/constraint|at .*\.ts:\d/)
  }
  expect(await stands()).toEqual(before)
})
