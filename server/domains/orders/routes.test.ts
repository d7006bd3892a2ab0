import { expect, test } from 'vitest'
import { type Doors, openDoors } from '#test/support/doors.ts'

interface Answer {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

/** Calls a route with a key; the body is sent as JSON. */
async function call(
  doors: Doors,
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers = {},
): Promise<Answer> {
  const response = await fetch(`${doors.url}${path}`, {
    method,
    headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] }
}

function anOrder(doors: Doors, changes: object = {}) {
  return { service: String(doors.shop.service('Package').id), link: 'https://example.com/a', ...changes }
}

test('an order is placed, read, listed and paid from the balance', async () => {
  const doors = await openDoors()
  const { id: customer_id, key } = await doors.customer('20')
  const placed = await call(doors, key, 'POST', '/api/v1/order', anOrder(doors))
  expect(placed.status).toBe(201)
  expect(placed.body).toEqual({ id: expect.stringMatching(/^\d+$/), charge: '5.07', currency: 'USD' })
  const { id } = placed.body

  const order = {
    id,
    status: 'Pending',
    charge: '5.07',
    currency: 'USD',
    start_count: null,
    remains: '1',
    version: '1',
    service: anOrder(doors).service,
    type: 'Package',
    link: 'https://example.com/a',
    quantity: '1',
    comments: null,
    parameters: {},
    drip_feed: null,
    subscription: null,
    request_id: null,
    placed_at: expect.stringMatching(/^\d{4}-.*Z$/),
    finished_at: null,
  }
  const read = await call(doors, key, 'GET', `/api/v1/order/${id}`)
  expect(read.body).toEqual({ ...order, history: [{ at: expect.any(String), status: 'Pending' }] })
  expect((await call(doors, key, 'GET', '/api/v1/orders')).body).toEqual({
    data: [order],
    has_more: false,
    next_cursor: null,
  })
  const { status, charge, currency, start_count, remains, version } = order
  expect((await call(doors, key, 'GET', `/api/v1/status?order=${id}`)).body).toEqual({
    data: [{ id, status, charge, currency, start_count, remains, version }],
    missing: [],
  })
  expect((await call(doors, key, 'GET', '/api/v1/balance')).body).toEqual({
    balance: '20.00',
    held: '5.07',
    available: '14.93',
    currency: 'USD',
    version: expect.stringMatching(/^\d+$/),
  })
  expect(await doors.shop.wallet(customer_id)).toEqual({ posted: 20_000_000n, held: 5_070_000n })
})

test('an order of any type is placed with its parameters as text, number or list, and what is missing is named', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer('20')
  const traffic = { service: String(doors.shop.service('Web Traffic').id), quantity: 100, country: 'BD', device: 5 }
  const place = (changes: object) => call(doors, key, 'POST', '/api/v1/order', anOrder(doors, changes))
  const refused = await place({ ...traffic, type_of_traffic: 2 })
  expect(refused).toMatchObject({ status: 422, body: { code: 'parameter_invalid' } })
  expect(refused.body.errors).toEqual([
    { field: 'referring_url', reason: 'referring_url: a web address of up to 2048 characters.' },
  ])
  const { body } = await place({ ...traffic, type_of_traffic: '3', keywords: 'of no use here' })
  const parameters = { country: 'BD', device: '5', type_of_traffic: '3' }
  expect((await call(doors, key, 'GET', `/api/v1/order/${body.id}`)).body).toMatchObject({
    type: 'Web Traffic',
    comments: null,
    parameters,
  })
  const badges = { service: String(doors.shop.service('Mentions Custom List').id), usernames: ['Ada', ' Grace ', ''] }
  const named = (await place(badges)).body
  expect((await call(doors, key, 'GET', `/api/v1/order/${named.id}`)).body).toMatchObject({
    quantity: '2',
    parameters: { usernames: 'Ada\nGrace' },
  })
  expect((await place({ ...badges, usernames: { a: 1 } })).status).toBe(400)
})

test('numbers may come as text or as numbers, comments as text or as a list', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  const sold = doors.shop.service('Default')
  const service = Number(sold.id)
  const quantity = Number(sold.min)
  const first = await call(doors, key, 'POST', '/api/v1/order', anOrder(doors, { service, quantity, request_id: 'n' }))
  const again = anOrder(doors, { service: ` ${service}`, quantity: String(quantity), request_id: 'n' })
  expect((await call(doors, key, 'POST', '/api/v1/order', again)).body).toEqual(first.body)
  const lines = anOrder(doors, { service: String(doors.shop.service('Custom Comments').id), comments: ['a', ' b '] })
  const placed = await call(doors, key, 'POST', '/api/v1/order', lines)
  const read = await call(doors, key, 'GET', `/api/v1/order/${placed.body.id}`)
  expect(read.body).toMatchObject({ quantity: '2', comments: 'a\nb', type: 'Custom Comments' })
})

test('many orders of one text are answered line by line, and all together once under their key', async () => {
  const doors = await openDoors()
  const { id, key } = await doors.customer('20')
  const service = doors.shop.service('Package').id
  const orders = `${service}|https://example.com/a\n\n${service}|nowhere|\nx|https://example.com/b|5\n${service}| https://example.com/c |\n1`
  const send = (body: object, headers = {}) => call(doors, key, 'POST', '/api/v1/orders/mass', body, headers)
  const first = await send({ orders }, { 'idempotency-key': 'm1' })
  const placed = (line: number) => ({ line, ok: true, replayed: false, order: { charge: '5.07' } })
  expect(first).toMatchObject({
    status: 200,
    body: {
      data: [
        placed(1),
        { line: 3, ok: false, refusal: { code: 'link_invalid', field: 'link' } },
        { line: 4, ok: false, refusal: { code: 'service_not_found' } },
        placed(5),
        { line: 6, ok: false, refusal: { code: 'line_invalid' } },
      ],
    },
  })
  expect((await send({ orders }, { 'idempotency-key': 'm1' })).body).toEqual(first.body)
  expect((await doors.shop.wallet(id)).held).toBe(10_140_000n)
  for (const odd of [{ orders: ' \n' }, { orders: '1|a|1\n'.repeat(101) }, { orders: ['1|a|1'] }, {}]) {
    expect((await send(odd)).body).toMatchObject({ code: 'invalid_request', errors: [{ field: 'orders' }] })
  }
})

test('a refusal is a problem that names its code, field and limit, and moves nothing', async () => {
  const doors = await openDoors()
  const { id, key } = await doors.customer('1')
  const sold = doors.shop.services.find((service) => service.type === 'Default' && service.min > 1n)
  const service = String(sold?.id)
  const cases: [object, number, object][] = [
    [anOrder(doors, { service: '999999' }), 422, { code: 'service_not_found', errors: [{ field: 'service' }] }],
    [anOrder(doors, { service: 'x' }), 422, { code: 'service_not_found' }],
    [anOrder(doors, { service, quantity: 1 }), 422, { code: 'quantity_below_min', limit: String(sold?.min) }],
    [anOrder(doors, { service, quantity: '999999999' }), 422, { code: 'quantity_above_max', limit: String(sold?.max) }],
    [anOrder(doors, { service }), 422, { code: 'quantity_invalid', errors: [{ field: 'quantity' }] }],
    [anOrder(doors, { link: 'ftp://example.com' }), 422, { code: 'link_invalid', errors: [{ field: 'link' }] }],
    [anOrder(doors, { request_id: '' }), 422, { code: 'request_key_invalid' }],
    [anOrder(doors), 402, { code: 'insufficient_funds' }],
    [anOrder(doors, { runs: 3 }), 422, { code: 'parameter_not_supported', errors: [{ field: 'runs' }] }],
    [anOrder(doors, { run: 3 }), 400, { code: 'invalid_request', errors: [{ field: 'run' }] }],
    [{}, 400, { code: 'invalid_request', errors: [{ field: 'service' }] }],
    [anOrder(doors, { service: 1.5 }), 400, { code: 'invalid_request' }],
    [anOrder(doors, { service: { a: 1 } }), 400, { code: 'invalid_request' }],
    [anOrder(doors, { link: 'https://example.com/\0' }), 400, { code: 'invalid_request' }],
  ]
  for (const [body, status, problem] of cases) {
    const answer = await call(doors, key, 'POST', '/api/v1/order', body)
    expect([body, answer.status]).toEqual([body, status])
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect(answer.body).toMatchObject({ status, ...problem })
  }
  expect(await doors.shop.wallet(id)).toEqual({ posted: 1_000_000n, held: 0n })
})

test('under one Idempotency-Key one order is made, however many ask at once', async () => {
  const doors = await openDoors()
  const { id, key } = await doors.customer('20')
  const place = (idempotency_key: string, changes = {}) =>
    call(doors, key, 'POST', '/api/v1/order', anOrder(doors, changes), { 'idempotency-key': idempotency_key })
  const answers = await Promise.all(Array.from({ length: 20 }, () => place('k1')))
  expect(new Set(answers.map((answer) => `${answer.status} ${JSON.stringify(answer.body)}`)).size).toBe(1)
  const fresh = answers.filter((answer) => answer.headers.get('idempotent-replayed') === null)
  expect(fresh).toHaveLength(1)
  expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(19)
  expect((await doors.shop.wallet(id)).held).toBe(5_070_000n)

  const other = await place('k1', { link: 'https://example.com/b' })
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
  const field = await call(
    doors,
    key,
    'POST',
    '/api/v1/order',
    anOrder(doors, { link: 'https://x.example', request_id: 'k1' }),
  )
  expect([field.status, field.body.code]).toEqual([422, 'request_key_reused'])
  for (const bad of ['', 'k'.repeat(129), 'k'.repeat(256)]) {
    const refused = await place(bad)
    expect([refused.status, refused.body.code]).toEqual([400, 'idempotency_key_invalid'])
  }
  const two = await place('k1', { request_id: 'k2' })
  expect([two.status, two.body.code]).toEqual([422, 'request_key_ambiguous'])
  expect((await place('"k1"')).body).toEqual(answers[0]?.body)
})

test('lack of money is remembered under its key, other refusals leave the key free', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer('1')
  const place = (body: object) => call(doors, key, 'POST', '/api/v1/order', body, { 'idempotency-key': 'k' })
  const small = anOrder(doors, { service: String(doors.shop.service('Custom Comments').id) })
  expect((await place(small)).status).toBe(422)
  expect((await place(anOrder(doors))).status).toBe(402)
  expect((await place(anOrder(doors))).status).toBe(402)
  expect((await place({ ...small, comments: 'a' })).body.code).toBe('idempotency_key_reused')
})

test('up to a hundred orders have an outcome each', async () => {
  const doors = await openDoors()
  const { id, key } = await doors.customer('11')
  const post = (orders: unknown, headers = {}) => call(doors, key, 'POST', '/api/v1/orders', { orders }, headers)
  const request = [
    anOrder(doors, { request_id: 'a' }),
    anOrder(doors, { link: 'nowhere' }),
    anOrder(doors, { request_id: 'a' }),
    anOrder(doors, { request_id: 'b' }),
    anOrder(doors, { request_id: 'c' }),
  ]
  const placed = { ok: true, replayed: false, order: { id: expect.any(String), charge: '5.07', currency: 'USD' } }
  const answer = await post(request)
  expect(answer.body.data).toEqual([
    placed,
    { ok: false, refusal: { code: 'link_invalid', field: 'link', detail: expect.any(String) } },
    { ...placed, replayed: true },
    placed,
    { ok: false, refusal: { code: 'insufficient_funds', field: null, detail: expect.any(String) } },
  ])
  expect((await doors.shop.wallet(id)).held).toBe(10_140_000n)
  const again = (await post(request)).body.data as { ok: boolean; replayed?: boolean }[]
  expect(again.map((each) => each.replayed)).toEqual([true, undefined, true, true, undefined])

  expect((await post([])).status).toBe(400)
  expect((await post(Array.from({ length: 101 }, () => anOrder(doors)))).status).toBe(400)
})

test('under one Idempotency-Key a batch is placed once, and answered the same again', async () => {
  const doors = await openDoors()
  const { id, key } = await doors.customer('11')
  const post = (orders: unknown, idempotency_key: string) =>
    call(doors, key, 'POST', '/api/v1/orders', { orders }, { 'idempotency-key': idempotency_key })
  const request = [anOrder(doors), anOrder(doors, { link: 'nowhere' }), anOrder(doors), anOrder(doors)]
  const answers = await Promise.all(Array.from({ length: 5 }, () => post(request, 'k')))
  expect(new Set(answers.map((answer) => `${answer.status} ${JSON.stringify(answer.body)}`)).size).toBe(1)
  expect(answers[0]?.body.data).toMatchObject([{ ok: true }, { ok: false }, { ok: true }, { ok: false }])
  expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(4)
  expect((await doors.shop.wallet(id)).held).toBe(10_140_000n)
  const other = await post(request.slice(1), 'k')
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
})

test('the list is paged from the newest to the oldest, and another’s orders are nowhere', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  const other = await doors.customer()
  const orders = Array.from({ length: 5 }, () => anOrder(doors))
  const made = await call(doors, key, 'POST', '/api/v1/orders', { orders })
  const ids = (made.body.data as { order: { id: string } }[]).map((each) => each.order.id)
  const theirs = await call(doors, other.key, 'POST', '/api/v1/order', anOrder(doors))

  const seen: string[] = []
  let path = '/api/v1/orders?limit=2'
  for (let pages = 1; ; pages++) {
    const page = await call(doors, key, 'GET', path)
    seen.push(...(page.body.data as { id: string }[]).map((each) => each.id))
    const next = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
    expect(page.body.has_more).toBe(next !== undefined)
    if (next === undefined) {
      expect(pages).toBe(3)
      break
    }
    path = next
  }
  expect(seen).toEqual(ids.toReversed())
  expect((await call(doors, key, 'GET', '/api/v1/orders?limit=5')).body.has_more).toBe(false)

  for (const id of [theirs.body.id, '999999', '0', '-1', 'x', '1.0', '9'.repeat(30)]) {
    const one = await call(doors, key, 'GET', `/api/v1/order/${id}`)
    expect([id, one.status, one.body.code]).toEqual([id, 404, 'order_not_found'])
    const status = await call(doors, key, 'GET', `/api/v1/status?order=${id}`)
    expect([id, status.status, status.body.code]).toEqual([id, 404, 'order_not_found'])
  }
  const several = await call(doors, key, 'GET', `/api/v1/status?orders=${ids[0]},${theirs.body.id},x`)
  expect(several.body).toMatchObject({ data: [{ id: ids[0] }], missing: [theirs.body.id, 'x'] })
  const many = Array.from({ length: 101 }, (_, i) => i + 1).join()
  const refusals = ['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'cursor=%00'].map(
    (query) => `/api/v1/orders?${query}`,
  )
  for (const bad of [
    ...refusals,
    '/api/v1/status',
    '/api/v1/status?order=1&orders=1',
    `/api/v1/status?orders=${many}`,
  ]) {
    const answer = await call(doors, key, 'GET', bad)
    expect([bad, answer.status >= 400 && answer.status < 500]).toEqual([bad, true])
  }
})

test('a customer sees the changes of the status and nothing of what we know besides', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  const { id } = (await call(doors, key, 'POST', '/api/v1/order', anOrder(doors))).body
  const { db } = doors.shop.app
  const step = (version: number, kind: string, state: string) =>
    db.query(
      `insert into orders.order_event (order_id, version, kind, to_state, actor, data) values ($1, $2, $3, $4, 'staff:7', '{"cost":"1"}')`,
      [id, version, kind, state],
    )
  await step(2, 'rejected', 'failed')
  await step(3, 'resubmitted', 'queued')
  await step(4, 'accepted', 'pending')
  await step(5, 'progressed', 'in_progress')
  await db.query(
    `update orders.orders set state = 'failed', reason = 'provider_failed', detail = 'The provider says no.', version = 5 where id = $1`,
    [id],
  )
  const { body } = await call(doors, key, 'GET', `/api/v1/order/${id}`)
  expect((body.history as { status: string }[]).map((each) => each.status)).toEqual(['Pending', 'In progress'])
  expect(body).toMatchObject({ status: 'Pending', version: '5' })
  expect(JSON.stringify(body)).not.toMatch(/provider|cost|staff|reason/)
})
