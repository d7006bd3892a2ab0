import { hash } from '@node-rs/argon2'
import { describe, expect, test } from 'vitest'
import { openLimiters } from '#server/platform/limits/open-limiters.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { countingStatements } from '#test/support/counting.ts'
import {
  aClient,
  actsOf,
  anAuthentication,
  answerRequests,
  aUser,
  identityApp,
  PASSWORD,
  signedIn,
} from '#test/support/identity.ts'
import { putSetting } from '#test/support/settings.ts'
import { hashPassword, passwordCost } from '../accounts/password.ts'
import { staffNetworks } from '../areas/staff-networks.ts'
import { digestOf, newChallengeToken } from '../token.ts'
import type { Client } from './client.ts'
import { createSession } from './create-session.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { SESSION_TTL_MS, SESSIONS_PER_USER_MAX } from './open-session.ts'
import {
  FAILURES_OF_STRANGERS_MAX,
  FAILURES_PER_ACCOUNT_MAX,
  FAILURES_PER_NETWORK_MAX,
  SignInAttempts,
} from './sign-in-attempts.ts'

async function setup() {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const user = await aUser(app)
  const signIn = (input: { email?: string; password?: string } & Partial<Client> = {}) => {
    const { email = user.email, password = PASSWORD, ...client } = input
    return signedIn(app, authentication, { email, password, client: aClient(client) })
  }
  return { app, authentication, user, signIn }
}

const refusal = (error: { code: string }) => error.code

const CHALLENGE = newChallengeToken()

test('the right password opens a session, of which only the hash is stored', async () => {
  const { app, user, signIn } = await setup()
  const before = Date.now()
  const session = await signIn({ email: user.email.toUpperCase(), user_agent: 'shop/1' })
  expect(session.user).toEqual(user)
  expect(session.token).toMatch(/^ss_[\w-]{43}$/)
  expect(session.expires_at.getTime() - before).toBeGreaterThanOrEqual(SESSION_TTL_MS)
  const rows = await app.db.query<{ digest: string; user_agent: string; ip: string; text: string }>(
    `select encode(token_hash, 'hex') as digest, user_agent, host(ip) as ip, session::text as text from identity.session`,
  )
  expect(rows).toMatchObject([{ digest: digestOf(session.token), user_agent: 'shop/1', ip: '192.0.2.1' }])
  expect(rows[0]?.text).not.toContain(session.token)
})

test('staff sign in from their networks alone, at the customers’ door too, and elsewhere their password looks like a wrong one', async () => {
  const { app, authentication, signIn } = await setup()
  const staff = await aUser(app, 'administrator')
  await putSetting(app.db, staffNetworks, ['198.51.100.0/24'])
  await app.settings.refresh()
  const outside = signIn({ email: staff.email })
  const wrong = signIn({ email: staff.email, password: 'wrong password' })
  const answers = await Promise.all([outside, wrong].map((each) => each.then(() => 'signed in', String)))
  expect(new Set(answers).size).toBe(1)
  expect(await outside.catch(refusal)).toBe('sign_in_refused')
  expect((await signIn({ email: staff.email, ip: '198.51.100.7' })).user.id).toBe(staff.id)
  expect((await signIn()).token).toBeDefined()
  // A second factor that was asked for inside is not shown outside.
  await app.db.query(
    `insert into identity.sign_in_challenge (token_hash, user_id, created_at, expires_at) values (decode($1, 'hex'), $2, now(), now() + interval '1 minute')`,
    [digestOf(CHALLENGE), staff.id],
  )
  const secrets = await openSecrets(app.config)
  const finish = (ip: string) =>
    finishSignIn(app, secrets, authentication.attempts, { challenge: CHALLENGE, code: '1', client: aClient({ ip }) })
  expect(await finish('192.0.2.1').catch(refusal)).toBe('challenge_not_valid')
  expect(await finish('198.51.100.7').catch(refusal)).toBe('code_refused')
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

describe('an unknown address takes the work of a known one', () => {
  test('as many statements, acts and hashes', async () => {
    const { app, authentication, user } = await setup()
    const { app: counted, count } = countingStatements(app)
    const work = async (email: string) => {
      const before = count()
      const client = aClient({ ip: '192.0.2.77' })
      const input = { email, password: 'wrong password', client }
      await expect(createSession(counted, authentication.attempts, input)).rejects.toMatchObject({ status: 401 })
      return { statements: count() - before, acts: (await actsOf(app)).length }
    }
    const known = await work(user.email)
    const unknown = await work('nobody@example.com')
    const no_address = await work('no address')
    expect(known).toEqual({ statements: 2, acts: 1 })
    expect(unknown).toEqual({ statements: 2, acts: 2 })
    expect(no_address).toEqual({ statements: 2, acts: 3 })
  })

  test('in about the time of the processors, also while old hashes have less cost than new ones', async () => {
    const { app, user, signIn } = await setup()
    await putSetting(app.db, passwordCost, { memory_kib: 65_536, passes: 3, lanes: 1 })
    await app.settings.refresh()
    const strong = await aUser(app)
    expect(await hashPassword(app, 'x')).toContain('m=65536')
    const took = async (email: string, ip: string) => {
      // Not by the clock: on a busy machine that tells who else is at work.
      const start = process.cpuUsage()
      await signIn({ email, password: 'wrong password', ip }).catch((error) => expect(error.status).toBe(401))
      const { user, system } = process.cpuUsage(start)
      return (user + system) / 1_000
    }
    const times = new Map<string, number[]>([
      ['old cost', []],
      ['new cost', []],
      ['unknown', []],
    ])
    for (let i = 0; i < 7; i++) {
      const ip = `192.0.2.${i + 10}`
      times.get('old cost')?.push(await took(user.email, ip))
      times.get('new cost')?.push(await took(strong.email, ip))
      times.get('unknown')?.push(await took(`nobody-${i}@example.com`, ip))
    }
    const [old_ms = 0, new_ms = 0, unknown_ms = 0] = [...times.values()].map(
      (each) => each.toSorted((a, b) => a - b)[3],
    )
    // Of the two costs one is a sixth of the other: who skipped either would be seen.
    for (const ratio of [unknown_ms / old_ms, unknown_ms / new_ms]) {
      expect(ratio).toBeGreaterThan(0.6)
      expect(ratio).toBeLessThan(1.7)
    }
  })
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
  const { app } = await setup()
  const attempts = new SignInAttempts(openLimiters(app))
  const take = (account: string, ip: string) =>
    attempts.take({ account, ip, known_device: undefined, known_network: false })
  for (let i = 0; i < FAILURES_PER_NETWORK_MAX; i++) await take(`u${i}@example.com`, `2001:db8::${i + 1}`)
  await expect(take('next@example.com', '2001:db8::ffff')).rejects.toMatchObject({ code: 'too_many_attempts' })
  await take('next@example.com', '2001:db8:0:1::1')
})

describe('an attacker with many networks', () => {
  async function underAttack() {
    const all = await setup()
    const home = { ip: '198.51.100.7', user_agent: 'Firefox' }
    const { device_token = '' } = await all.signIn(home)
    const { attempts } = all.authentication
    // The limiter alone: hashing a thousand passwords would take minutes.
    const attack = (n: number) => {
      const ip = `203.0.${n >> 8}.${n & 255}`
      return attempts.take({ account: all.user.email, ip, known_device: undefined, known_network: false })
    }
    let let_through = 0
    for (let n = 0; n < 1_000; n++)
      let_through += await attack(n).then(
        () => 1,
        () => 0,
      )
    return { ...all, home, device: digestOf(device_token), let_through }
  }

  test('is slowed: a stranger gets no further, whatever the password', async () => {
    const { signIn, let_through } = await underAttack()
    expect(let_through).toBe(FAILURES_OF_STRANGERS_MAX)
    expect(await signIn({ ip: '203.0.113.99' }).catch(refusal)).toBe('too_many_attempts')
  })

  test('does not keep the owner out: neither at home nor with the own browser anywhere', async () => {
    const { signIn, home, device } = await underAttack()
    expect(await signIn({ ip: home.ip, user_agent: 'another browser' })).toMatchObject({ token: expect.any(String) })
    expect(await signIn({ ip: '203.0.113.99', device })).toMatchObject({ token: expect.any(String) })
  })

  test('cannot use up what the own browser has, not even from the same network', async () => {
    const { signIn, home, device } = await underAttack()
    for (let i = 0; i < FAILURES_PER_ACCOUNT_MAX; i++) {
      expect(await signIn({ ...home, password: 'wrong password' }).catch(refusal)).toBe('sign_in_refused')
    }
    expect(await signIn(home).catch(refusal)).toBe('too_many_attempts')
    expect(await signIn({ ...home, device })).toMatchObject({ token: expect.any(String) })
  })

  test('gains nothing by a device token that is another account’s', async () => {
    const { app, signIn } = await underAttack()
    const other = await aUser(app)
    const { device_token = '' } = await signIn({ email: other.email, ip: '198.51.100.8' })
    expect(await signIn({ ip: '203.0.113.99', device: digestOf(device_token) }).catch(refusal)).toBe(
      'too_many_attempts',
    )
  })
})

test('a new device is told to the owner, the first one and a known one are not', async () => {
  const { app, authentication, signIn } = await setup()
  const notices = async () => (await answerRequests(app, authentication)).notices.map((each) => each.kind)
  const { device_token = '' } = await signIn({ user_agent: 'Firefox' })
  expect(await notices()).toEqual([])
  const device = digestOf(device_token)
  expect((await signIn({ user_agent: 'Firefox', ip: '198.51.100.9', device })).device_token).toBeUndefined()
  expect((await signIn({ user_agent: 'Firefox', ip: '198.51.100.9' })).device_token).toBeDefined()
  expect(await notices()).toEqual([])
  await signIn({ user_agent: 'curl', ip: '203.0.113.1' })
  expect(await notices()).toEqual(['signed_in_from_new_device'])
})

test('a device token that someone planted before the sign-in is not taken over', async () => {
  const { signIn } = await setup()
  const planted = digestOf(`sd_${'A'.repeat(43)}`)
  const { device_token } = await signIn({ device: planted })
  expect(device_token).toMatch(/^sd_[\w-]{43}$/)
  expect(digestOf(device_token ?? '')).not.toBe(planted)
})

test('sign-ins and refusals are in the audit, without the password or the address that was typed', async () => {
  const { app, signIn } = await setup()
  await signIn()
  await signIn({ password: 'wrong password' }).catch(refusal)
  await signIn({ email: 'nobody@example.com' }).catch(refusal)
  expect(await actsOf(app)).toEqual(['sessions.started', 'sessions.refused', 'sessions.refused'])
  const rows = await app.db.query<{ text: string }>('select act::text as text from audit.act as act')
  for (const { text } of rows) expect(text).not.toMatch(/wrong password|nobody@example/)
})

test('a password that was changed between the check and the session opens nothing', async () => {
  const { app, authentication, user } = await setup()
  const other = await hashPassword(app, 'another password')
  const db = {
    ...app.db,
    transaction: async <T>(work: Parameters<typeof app.db.transaction<T>>[0]) => {
      await app.db.query('update identity.user set password_hash = $2 where id = $1', [user.id, other])
      return app.db.transaction(work)
    },
  }
  const input = { email: user.email, password: PASSWORD, client: aClient() }
  expect(await createSession({ ...app, db }, authentication.attempts, input).catch(refusal)).toBe('sign_in_refused')
  expect(await app.db.query('select 1 from identity.session')).toEqual([])
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
