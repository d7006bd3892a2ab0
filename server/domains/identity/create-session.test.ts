import { hash } from '@node-rs/argon2'
import { expect, test } from 'vitest'
import { aUser, identityApp, PASSWORD } from '#test/support/identity.ts'
import { createSession, SESSION_TTL_MS, SESSIONS_PER_USER_MAX } from './create-session.ts'
import { FAILURES_PER_ACCOUNT_MAX, FAILURES_PER_NETWORK_MAX, SignInLimits } from './sign-in-limits.ts'
import { digestOf } from './token.ts'

async function setup() {
  const app = await identityApp()
  const user = await aUser(app)
  const limits = new SignInLimits()
  const signIn = (input: Partial<Parameters<typeof createSession>[2]> = {}) =>
    createSession(app, limits, { email: user.email, password: PASSWORD, ip: '192.0.2.1', user_agent: 'test', ...input })
  return { app, user, limits, signIn }
}

test('the right password opens a session, of which only the hash is stored', async () => {
  const { app, user, signIn } = await setup()
  const before = Date.now()
  const session = await signIn({ email: user.email.toUpperCase(), user_agent: `a\0b${'x'.repeat(300)}` })
  expect(session.user).toEqual(user)
  expect(session.token).toMatch(/^ss_[\w-]{43}$/)
  expect(session.expires_at.getTime() - before).toBeGreaterThanOrEqual(SESSION_TTL_MS)
  const rows = await app.db.query<{ digest: string; user_agent: string; ip: string; text: string }>(
    `select encode(token_hash, 'hex') as digest, user_agent, host(ip) as ip, session::text as text from identity.session`,
  )
  expect(rows).toMatchObject([{ digest: digestOf(session.token), user_agent: `ab${'x'.repeat(198)}`, ip: '192.0.2.1' }])
  expect(rows[0]?.text).not.toContain(session.token)
})

test('wrong password, unknown address and a text that is no address get one answer', async () => {
  const { signIn } = await setup()
  const answers = await Promise.all(
    [{ password: 'wrong password' }, { email: 'nobody@example.com' }, { email: 'a\0b' }, { password: '' }].map((bad) =>
      signIn(bad).then(
        () => 'signed in',
        (error: Error & { code: string; status: number }) => [error.code, error.status, error.message],
      ),
    ),
  )
  expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1)
  expect(answers[0]).toEqual(['sign_in_refused', 401, 'The e-mail address or the password is wrong'])
})

test('an unknown address takes the work of a password as a known one does', async () => {
  const { signIn } = await setup()
  const took = async (input: object) => {
    const start = performance.now()
    await signIn(input).catch((error: { code?: string }) => expect(error.code).toBe('sign_in_refused'))
    return performance.now() - start
  }
  const known: number[] = []
  const unknown: number[] = []
  for (let i = 0; i < 9; i++) {
    known.push(await took({ password: 'wrong password' }))
    unknown.push(await took({ email: `nobody-${i}@example.com` }))
  }
  const median = (times: number[]) => times.sort((a, b) => a - b)[4] as number
  const ratio = median(unknown) / median(known)
  // Without the verification an unknown address would answer in a twentieth of the time.
  expect(ratio).toBeGreaterThan(0.5)
  expect(ratio).toBeLessThan(2)
})

test('a blocked user is told so only after the right password', async () => {
  const { app, user, signIn } = await setup()
  await app.db.query(`update identity.user set state = 'blocked' where id = $1`, [user.id])
  await expect(signIn()).rejects.toMatchObject({ code: 'account_blocked', status: 403 })
  await expect(signIn({ password: 'wrong password' })).rejects.toMatchObject({ code: 'sign_in_refused' })
  expect(await app.db.query('select 1 from identity.session')).toEqual([])
})

test('failures for one account from one network are bounded, and the owner elsewhere is not hindered', async () => {
  const { signIn } = await setup()
  const failures = await Promise.allSettled(
    Array.from({ length: FAILURES_PER_ACCOUNT_MAX + 5 }, () => signIn({ password: 'wrong password' })),
  )
  const codes = failures.map((each) => (each.status === 'rejected' ? each.reason.code : 'signed in'))
  expect(codes.filter((code) => code === 'sign_in_refused')).toHaveLength(FAILURES_PER_ACCOUNT_MAX)
  expect(codes.filter((code) => code === 'too_many_attempts')).toHaveLength(5)
  await expect(signIn()).rejects.toMatchObject({ status: 429, retry_after_s: expect.any(Number) })
  await expect(signIn({ ip: '192.0.2.2' })).resolves.toBeDefined()
})

test('a success forgets the failures before it', async () => {
  const { signIn } = await setup()
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < FAILURES_PER_ACCOUNT_MAX - 1; i++) {
      await expect(signIn({ password: 'wrong password' })).rejects.toMatchObject({ code: 'sign_in_refused' })
    }
    await signIn()
  }
})

test('failures of one network over all accounts are bounded, by /64 in IPv6', async () => {
  const limits = new SignInLimits()
  for (let i = 0; i < FAILURES_PER_NETWORK_MAX; i++) await limits.take(`u${i}@example.com`, `2001:db8::${i + 1}`)
  await expect(limits.take('next@example.com', '2001:db8::ffff')).rejects.toMatchObject({ code: 'too_many_attempts' })
  await limits.take('next@example.com', '2001:db8:0:1::1')
})

test('a hash with weaker parameters is renewed at the sign-in', async () => {
  const { app, user, signIn } = await setup()
  const weak = await hash(PASSWORD, { memoryCost: 8_192, timeCost: 1, parallelism: 1 })
  await app.db.query('update identity.user set password_hash = $2 where id = $1', [user.id, weak])
  await signIn()
  const [row] = await app.db.query<{ password_hash: string }>('select password_hash from identity.user')
  expect(row?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  await signIn()
})

test('beyond the most sessions of a user the oldest ends', async () => {
  const { app, user, signIn } = await setup()
  await app.db.query(
    `insert into identity.session (token_hash, user_id, created_at, expires_at, last_seen_at)
     select sha256(n::text::bytea), $1, now() - make_interval(secs => n), now() + interval '1 day', now()
     from generate_series(1, $2) n`,
    [user.id, SESSIONS_PER_USER_MAX],
  )
  await Promise.all([signIn(), signIn({ ip: '192.0.2.9' })])
  const ended = await app.db.query<{ age: number }>(
    `select round(extract(epoch from now() - created_at))::int as age from identity.session where ended_at is not null order by 1`,
  )
  expect(ended.map((row) => row.age)).toEqual(
    [SESSIONS_PER_USER_MAX - 1, SESSIONS_PER_USER_MAX].map((n) => expect.closeTo(n, -1)),
  )
})
