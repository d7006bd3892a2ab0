import { expect, onTestFinished, test } from 'vitest'
import { testApp } from '#test/support/app.ts'
import { startRedis } from '#test/support/redis.ts'
import { putSetting } from '#test/support/settings.ts'
import { testServer } from '../http/test-server.ts'
import { limitCallers, limitNetworks } from './limit-requests.ts'
import { RATE_LIMITS, type RateClass, type RateLimit } from './rate-class.ts'
import { openRateLimits } from './rate-limits.ts'

type Limits = Partial<Record<RateClass, Partial<RateLimit>>>

const NONE: RateLimit = { window_seconds: 60, per_network: null, per_key: null, per_user: null }

/** A server behind a proxy on loopback; callers name themselves: `x-user: 7`, `x-key: 3`. */
async function setup(limits: Limits, redis_url?: string) {
  const app = await testApp()
  const set = async (changed: Limits) => {
    for (const [rate_class, limit] of Object.entries(changed)) {
      const whole = { ...NONE, ...limit }
      const { per_key: _, per_user: __, ...ofStrangers } = whole
      const stored = ['public', 'signing_in'].includes(rate_class) ? ofStrangers : whole
      await putSetting(app.db, RATE_LIMITS[rate_class as RateClass], stored)
    }
    await app.settings.refresh()
  }
  await set(limits)
  const worked: string[] = []
  const open = async () => {
    const rates = openRateLimits({ ...app, config: { redis_url } })
    onTestFinished(() => rates.close())
    const idOf = (header: unknown) => (header === undefined ? undefined : BigInt(String(header)))
    const server = await testServer(
      (http) => {
        limitNetworks(http, rates, (config) => config?.long_lived === true)
        http.register(async (doors) => {
          limitCallers(doors, rates, ({ headers }) => {
            const user_id = idOf(headers['x-user'])
            return user_id === undefined ? undefined : { user_id, key_id: idOf(headers['x-key']) }
          })
          const work = (request: { url: string }) => {
            worked.push(request.url)
            return {}
          }
          doors.get('/read', work)
          doors.post('/change', work)
          doors.post('/order', { config: { rate_class: 'ordering' } }, work)
          doors.get('/open', { config: { long_lived: true } }, work)
          doors.post('/sign-in', { config: { rate_class: 'signing_in' } }, work)
        })
      },
      { config: { trust_proxy: ['127.0.0.1'], public_url: undefined } },
    )
    const ask = async (path: string, caller: { user?: number; key?: number; ip?: string } = {}) => {
      const headers = {
        ...(caller.user !== undefined && { 'x-user': String(caller.user) }),
        ...(caller.key !== undefined && { 'x-key': String(caller.key) }),
        ...(caller.ip !== undefined && { 'x-forwarded-for': caller.ip }),
      }
      const method = ['/read', '/open'].includes(path) ? 'GET' : 'POST'
      const answer = await server.ask(path, { method, headers })
      const header = (name: string) => answer.headers.get(name)
      const told = {
        policy: header('ratelimit-policy'),
        limit: header('ratelimit'),
        retry_after: header('retry-after'),
      }
      return { status: answer.status, body: answer.body, ...told }
    }
    return { ask, server }
  }
  return { app, set, worked, open, ...(await open()) }
}

/** Of a window of 60 seconds that has just begun. */
const aboutAMinute = (before: string) => expect.stringMatching(new RegExp(`^${before}(60|[45]\\d)$`))

const statuses = (answers: { status: number }[]) => answers.map((each) => each.status)

test('who has none left is refused before anything is done, with what the standards say about it', async () => {
  const { ask, worked } = await setup({ reading: { per_network: 9, per_key: 2, per_user: 5 } })
  const caller = { user: 7, key: 3 }
  const first = await ask('/read', caller)
  expect(first).toMatchObject({
    status: 200,
    policy: '"reading-per-network";q=9;w=60, "reading-per-key";q=2;w=60, "reading-per-user";q=5;w=60',
    limit: aboutAMinute('"reading-per-key";r=1;t='),
    retry_after: null,
  })
  expect((await ask('/read', caller)).limit).toEqual(aboutAMinute('"reading-per-key";r=0;t='))
  const refused = await ask('/read', caller)
  expect(refused).toMatchObject({
    status: 429,
    limit: aboutAMinute('"reading-per-key";r=0;t='),
    retry_after: aboutAMinute(''),
  })
  // The client that waits so long must not come too early.
  expect(refused.limit?.endsWith(`t=${refused.retry_after}`)).toBe(true)
  expect(refused.body).toEqual({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too many requests',
    status: 429,
    detail: `Nothing was done. Try again in ${refused.retry_after} seconds.`,
    code: 'rate_limited',
    request_id: expect.any(String),
    'violated-policies': ['reading-per-key'],
  })
  expect(worked).toHaveLength(2)
})

test('keys of one user have limits of their own, and one together', async () => {
  const { ask } = await setup({ reading: { per_key: 2, per_user: 3 } })
  const answers = []
  for (const key of [1, 1, 1, 2, 2]) answers.push(await ask('/read', { user: 7, key }))
  // The third was refused by its key, and not counted for the user.
  expect(statuses(answers)).toEqual([200, 200, 429, 200, 429])
  expect(answers[4]?.body['violated-policies']).toEqual(['reading-per-user'])
  expect((await ask('/read', { user: 7 })).status).toBe(429)
  expect((await ask('/read', { user: 8, key: 4 })).status).toBe(200)
})

test('a session is counted by its user and network alone', async () => {
  const { ask } = await setup({ reading: { per_network: 10, per_key: 1, per_user: 2 } })
  const answers = [await ask('/read', { user: 7 }), await ask('/read', { user: 7 }), await ask('/read', { user: 7 })]
  expect(statuses(answers)).toEqual([200, 200, 429])
  expect(answers[0]?.policy).toBe('"reading-per-network";q=10;w=60, "reading-per-user";q=2;w=60')
})

test('a network is one IPv4 address or one /64, whoever calls from it', async () => {
  const { ask } = await setup({ reading: { per_network: 2 } })
  const from = async (ip: string, user: number) => (await ask('/read', { ip, user })).status
  expect([await from('192.0.2.1', 1), await from('::ffff:192.0.2.1', 2), await from('192.0.2.1', 3)]).toEqual([
    200, 200, 429,
  ])
  expect(await from('192.0.2.2', 3)).toBe(200)
  const v6 = [await from('2001:db8:1:2::1', 1), await from('2001:db8:1:2:ffff::9', 2), await from('2001:db8:1:2::3', 3)]
  expect(v6).toEqual([200, 200, 429])
  expect(await from('2001:db8:1:3::1', 1)).toBe(200)
})

test('no class uses up what another may do, and each route has one', async () => {
  const one = { per_network: 1 }
  const { ask } = await setup({ reading: one, ordering: one, changing: one, signing_in: one, public: one })
  for (const path of ['/read', '/order', '/change', '/sign-in', '/open']) {
    const [first, second] = [await ask(path), await ask(path)]
    expect([path, ...statuses([first, second])]).toEqual([path, 200, 429])
  }
  const { policy } = await ask('/order')
  expect(policy).toBe('"ordering-per-network";q=1;w=60')
})

test('a limit that is changed holds from the next request on; without limits nothing is told', async () => {
  const { ask, set } = await setup({ reading: { per_user: 1 } })
  const caller = { user: 7 }
  expect(statuses([await ask('/read', caller), await ask('/read', caller)])).toEqual([200, 429])
  await set({ reading: { per_user: 4 } })
  expect((await ask('/read', caller)).limit).toEqual(aboutAMinute('"reading-per-user";r=1;t='))
  await set({ reading: NONE })
  expect(await ask('/read', caller)).toMatchObject({ status: 200, policy: null, limit: null })
})

test('operators see which policy refuses how often, and are not counted themselves', async () => {
  const { app, ask, server } = await setup({ reading: { per_user: 1 }, public: { per_network: 1 } })
  for (let i = 0; i < 3; i++) await ask('/read', { user: 7 })
  expect(await app.metrics.registry.metrics()).toContain('saldo_rate_limited_total{policy="reading-per-user"} 2')
  for (let i = 0; i < 3; i++) {
    const { status, headers } = await server.ask('/metrics')
    expect([status, headers.get('ratelimit')]).toEqual([200, null])
  }
})

test('with Redis processes count together, and go on alone while it is away', async () => {
  const redis = await startRedis()
  const { ask, open, set } = await setup({ reading: { per_key: 4 } }, redis.url)
  const other = await open()
  const caller = { user: 7, key: 3 }
  const left = async (each: typeof ask) => Number(/r=(\d+)/.exec((await each('/read', caller)).limit ?? '')?.[1])
  // Counted by each alone until both are connected.
  await expect.poll(async () => (await left(ask)) + (await left(other.ask)), { timeout: 10_000 }).toBe(0)
  expect(statuses([await ask('/read', caller), await other.ask('/read', caller)])).toEqual([429, 429])
  await set({ reading: { per_key: 5, window_seconds: 30 } })
  expect((await other.ask('/read', { user: 7, key: 4 })).limit).toMatch(/^"reading-per-key";r=4;t=[23]\d$/)
  await redis.kill()
  expect((await ask('/read', caller)).status).toBe(200)
})
