import { expect, test } from 'vitest'
import { RATE_CLASSES, RATE_LIMITS, type RateClass } from '#server/platform/limits/rate-class.ts'
import { type Doors, openDoors } from '#test/support/doors.ts'
import { putSetting } from '#test/support/settings.ts'

async function limit(doors: Doors, rate_class: RateClass, value: object): Promise<void> {
  await putSetting(doors.shop.app.db, RATE_LIMITS[rate_class], value)
  await doors.shop.app.settings.refresh()
}

const few = (per_key: number) => ({ window_seconds: 60, per_network: null, per_key, per_user: null })

test('every route has a class, by which it is counted', async () => {
  const { url } = await openDoors()
  const document = await (await fetch(`${url}/openapi.json`)).json()
  const { paths } = document as { paths: Record<string, Record<string, Record<string, unknown>>> }
  const classes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, operation['x-rate-class']] as const),
  )
  const known: unknown[] = [...RATE_CLASSES, 'by_action']
  const operators = ['get /healthz', 'get /readyz', 'get /metrics']
  expect(classes.filter(([route, rate_class]) => !known.includes(rate_class) && !operators.includes(route))).toEqual([])
  const of = (rate_class: string) => classes.filter((each) => each[1] === rate_class).map(([route]) => route)
  expect(of('by_action')).toEqual(['post /api/v2', 'get /api/v2'])
  expect(of('ordering')).toEqual(expect.arrayContaining(['post /api/v1/order', 'post /api/v1/orders']))
  expect(of('signing_in')).toEqual(expect.arrayContaining(['post /api/v1/sessions']))
  expect(of('public')).toEqual(expect.arrayContaining(['get /api/v1/services', 'get /openapi.json', 'get /docs']))
  expect(of('reading')).toEqual(expect.arrayContaining(['get /api/v1/balance', 'get /api/v1/orders']))
  expect(of('changing')).toEqual(expect.arrayContaining(['post /api/v1/api-keys', 'delete /api/v1/api-keys/{id}']))
})

test('over REST an order too many is refused before any money moves, and reading goes on', async () => {
  const doors = await openDoors()
  await limit(doors, 'ordering', few(2))
  const { id, key } = await doors.customer('50')
  const body = JSON.stringify({ service: String(doors.shop.service('Package').id), link: 'https://example.com/a' })
  const headers = { 'x-api-key': key, 'content-type': 'application/json' }
  const place = () => fetch(`${doors.url}/api/v1/order`, { method: 'POST', headers, body })
  expect([(await place()).status, (await place()).status]).toEqual([201, 201])
  const refused = await place()
  expect([refused.status, refused.headers.get('content-type')]).toEqual([
    429,
    'application/problem+json; charset=utf-8',
  ])
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', 'violated-policies': ['ordering-per-key'] })
  const { held } = await doors.shop.wallet(id)
  expect(held).toBe(2n * 5_070_000n)
  const balance = await fetch(`${doors.url}/api/v1/balance`, { headers })
  expect([balance.status, balance.headers.get('ratelimit')]).toEqual([
    200,
    expect.stringMatching(/^"reading-per-\w+";r=\d+;t=\d+$/),
  ])
})

test('at the panels’ door each action counts as its class, and the refusal is in the form’s words', async () => {
  const doors = await openDoors()
  await limit(doors, 'ordering', few(1))
  await limit(doors, 'reading', few(2))
  const { id, key } = await doors.customer('50')
  const service = String(doors.shop.service('Package').id)
  const ask = async (action: string) => {
    const body = new URLSearchParams({ key, action, service, link: 'https://example.com/a', order: '1' })
    const answer = await fetch(`${doors.url}/api/v2`, { method: 'POST', body })
    return { status: answer.status, text: await answer.text(), headers: answer.headers }
  }
  expect((await ask('add')).text).toMatch(/^\{"order":\d+\}$/)
  for (const action of ['add', 'refill', 'cancel']) {
    const { status, text, headers } = await ask(action)
    expect([action, status, text]).toEqual([action, 429, '{"error":"Rate limit exceeded"}'])
    expect(headers.get('retry-after')).toMatch(/^\d+$/)
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
  }
  expect((await doors.shop.wallet(id)).held).toBe(5_070_000n)
  expect([(await ask('balance')).status, (await ask('status')).status, (await ask('services')).status]).toEqual([
    200, 200, 429,
  ])
})

test('whoever guesses keys is counted by network, at every door', async () => {
  const doors = await openDoors()
  const one = { window_seconds: 60, per_network: 1, per_key: null, per_user: null }
  await limit(doors, 'reading', one)
  const wrong = { 'x-api-key': `sk_${'A'.repeat(43)}` }
  const rest = () => fetch(`${doors.url}/api/v1/balance`, { headers: wrong })
  expect([(await rest()).status, (await rest()).status]).toEqual([401, 429])
  const panel = () =>
    fetch(`${doors.url}/api/v2`, { method: 'POST', headers: wrong, body: new URLSearchParams({ action: 'balance' }) })
  expect(await (await panel()).text()).toBe('{"error":"Rate limit exceeded"}')
})

test('as they stand in production the limits leave room for a busy panel, and none for the next network’s flood', async () => {
  const doors = await openDoors({ rate_limits: 'as in production' })
  const { key } = await doors.customer()
  const balance = await fetch(`${doors.url}/api/v1/balance`, { headers: { 'x-api-key': key } })
  expect(balance.headers.get('ratelimit-policy')).toBe(
    '"reading-per-network";q=6000;w=10, "reading-per-key";q=2000;w=10, "reading-per-user";q=4000;w=10',
  )
  const sign_in = () =>
    fetch(`${doors.url}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
  const statuses: number[] = []
  for (let i = 0; i < 61; i++) statuses.push((await sign_in()).status)
  expect(statuses.filter((status) => status === 400)).toHaveLength(60)
  expect(statuses.at(-1)).toBe(429)
})
