import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

const KEY = 'a-key-that-they-gave-us'

async function setup() {
  const doors = await openDoors()
  const { app } = doors.shop
  const permissions = ['providers:read', 'providers:edit', 'providers:top-up', 'finance:read']
  const staff = await staffWith(app, doors.url, permissions)
  const { id } = (await app.db.query<{ id: bigint }>('select id from providers.provider'))[0] as { id: bigint }
  const acts = async () => (await actsIn(app.db)).filter(({ action }) => action.startsWith('providers.'))
  return { ...doors, app, ask: staff.ask, path: `/api/admin/providers/${id}`, acts }
}

test('a provider is added, changed, paused, resumed: each an act, and its key is shown to nobody', async () => {
  const { ask, acts } = await setup()
  const settings = { name: 'Another', url: 'http://127.0.0.1:9/api/v2', key: KEY, currency: 'USD' }
  const added = await ask('POST', '/api/admin/providers', settings)
  expect(added).toMatchObject({
    status: 201,
    body: { name: 'Another', enabled: true, takes_orders: true, version: '1' },
  })
  const path = `/api/admin/providers/${(added.body as { id: string }).id}`
  expect(await ask('POST', '/api/admin/providers', settings)).toMatchObject({
    status: 409,
    body: { code: 'provider_name_taken' },
  })

  expect(
    await ask('PATCH', path, { enabled: false, key: `${KEY}-2`, version: '1', reason: 'Poor work' }),
  ).toMatchObject({
    body: { enabled: false, takes_orders: false, version: '2' },
  })
  expect(await ask('PATCH', path, { concurrency: 3, version: '1' })).toMatchObject({
    status: 409,
    body: { code: 'provider_changed' },
  })
  await ask('PATCH', path, { enabled: true })
  expect(await ask('POST', `${path}/pause`, { minutes: 30, reason: 'Down' })).toMatchObject({
    body: { enabled: true, takes_orders: false, pause_reason: 'Down' },
  })
  // A shorter one does not end the longer.
  const { body } = await ask('POST', `${path}/pause`, { minutes: 1, reason: 'Short' })
  expect(body).toMatchObject({ pause_reason: 'Down' })
  expect(await ask('POST', `${path}/resume`)).toMatchObject({ body: { takes_orders: true, paused_until: null } })
  expect(await ask('POST', `${path}/resume`, { reason: 'Again' })).toMatchObject({ status: 200 })

  const told = await acts()
  expect(told.map(({ action }) => action)).toEqual([
    'providers.added',
    'providers.changed',
    'providers.changed',
    'providers.paused',
    'providers.resumed',
  ])
  expect(told[1]).toMatchObject({ reason: 'Poor work', after: { enabled: false, key_replaced: true } })
  const shown = [told, added, await ask('GET', '/api/admin/providers')]
  expect(JSON.stringify(shown, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(KEY)
})

test('what cannot be a provider is refused by its field, and nothing is changed', async () => {
  const { ask, path, acts } = await setup()
  const fine = { name: 'Another', url: 'http://127.0.0.1:9/api/v2', key: KEY, currency: 'USD' }
  const post = async (change: object) => {
    const { status, body } = await ask('POST', '/api/admin/providers', { ...fine, ...change })
    const { errors = [] } = body as { errors?: { field: string }[] }
    return [status, errors.map(({ field }) => field)]
  }
  expect(await post({ url: 'ftp://127.0.0.1' })).toEqual([400, ['url']])
  expect(await post({ url: 'https://user:pass@127.0.0.1' })).toEqual([400, ['url']])
  // Play money and real keys do not meet.
  expect(await post({ url: 'https://panel.example/api/v2' })).toEqual([422, ['url']])
  expect(await post({ key: 'short' })).toEqual([400, ['key']])
  expect(await post({ currency: 'NONE' })).toEqual([422, ['currency']])
  expect(await post({ adapter: 'magic' })).toEqual([400, ['adapter']])
  expect(await post({ concurrency: 0 })).toEqual([400, ['concurrency']])
  for (const body of [
    {},
    { reason: 'x' },
    { currency: 'EUR' },
    { adapter: 'panel-v2' },
    { timeout_ms: 1 },
    { version: 'x' },
  ]) {
    expect((await ask('PATCH', path, body)).status, JSON.stringify(body)).toBe(400)
  }
  for (const body of [
    { minutes: 0, reason: 'x' },
    { minutes: 43_201, reason: 'x' },
    { minutes: 5 },
    { minutes: 5, reason: ' ' },
  ]) {
    expect((await ask('POST', `${path}/pause`, body)).status, JSON.stringify(body)).toBe(400)
  }
  const nobody = '/api/admin/providers/999'
  expect((await ask('GET', nobody)).status).toBe(404)
  expect((await ask('GET', `${nobody}/calls`)).status).toBe(404)
  expect((await ask('PATCH', nobody, { enabled: false })).status).toBe(404)
  expect((await ask('POST', `${nobody}/pause`, { minutes: 5, reason: 'x' })).status).toBe(404)
  expect((await ask('POST', `${nobody}/resume`)).status).toBe(404)
  expect((await ask('POST', `${nobody}/top-ups`, { amount: '1', reference: 'x' })).status).toBe(404)
  expect(await acts()).toEqual([])
})

test('what was said to a provider is shown, the latest first, page by page', async () => {
  const { app, ask, path } = await setup()
  await app.db.query(
    `insert into providers.call_log (at, provider_id, action, request, response, http_status, outcome, duration_ms)
    select timestamptz '2026-01-01' + (n / 2) * interval '1 second', 1, 'status', 'request ' || n, 'answer', 200, 'ok', 5
    from generate_series(1, 5) n`,
  )
  const requests: string[] = []
  let next: string | null = `${path}/calls?limit=2`
  for (let page = 0; next && page < 10; page++) {
    const { body } = await ask('GET', next)
    const { data, next_cursor } = body as { data: { request: string }[]; next_cursor: string | null }
    requests.push(...data.map(({ request }) => request).filter((text) => /^request \d$/.test(text)))
    next = next_cursor && `${path}/calls?limit=2&cursor=${next_cursor}`
  }
  expect(requests).toEqual(['request 5', 'request 4', 'request 3', 'request 2', 'request 1'])
})

test('what was paid to a provider is booked once by its reference, of two who press at once too', async () => {
  const { ask, path, shop, acts } = await setup()
  const before = await shop.prepaid()
  const pay = (amount: string, reference = 'invoice 7') => ask('POST', `${path}/top-ups`, { amount, reference })
  const booked = (await Promise.all([pay('250'), pay('250')])).map(({ body }) => (body as { booked: boolean }).booked)
  expect(booked.sort()).toEqual([false, true])
  expect(await shop.prepaid()).toBe(before + 250_000_000n)
  expect(await pay('251')).toMatchObject({ status: 409, body: { code: 'topup_reference_used' } })
  expect(await pay('-50.5', 'came back')).toMatchObject({ status: 200, body: { booked: true } })
  expect(await shop.prepaid()).toBe(before + 199_500_000n)
  for (const odd of ['0', '', 'x', '1e3', '9'.repeat(38)]) expect((await pay(odd, 'odd')).status, odd).toBe(400)
  expect((await acts()).map(({ action }) => action)).toEqual(['providers.topup_recorded', 'providers.topup_recorded'])
})
