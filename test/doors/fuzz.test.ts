import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { type Doors, openDoors } from '#test/support/doors.ts'
import { type RawAnswer, sendRaw } from '#test/support/send-raw.ts'

// Each run is a request or two over loopback; many runs belong to a long soak, not to every test run.
const RUNS = 250

/** What nobody should send: of every type, size and encoding. */
const junkText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    '-1',
    '0',
    '1e309',
    'NaN',
    'Infinity',
    '0x10',
    '1.5',
    '٣',
    '９',
    '__proto__',
  ),
  fc.constantFrom('constructor', "'; drop table orders.orders; --", '%00', '%', '{"a":1}', '[]', 'null', 'true'),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String),
  fc.integer({ min: 1, max: 5 }).map((size) => '9'.repeat(10 ** size)),
  fc.integer({ min: 1, max: 5 }).map((size) => 'я'.repeat(10 ** size)),
)
const junk: fc.Arbitrary<unknown> = fc.oneof(
  junkText,
  fc.double(),
  fc.integer(),
  fc.constantFrom(null, true, false, Number.MAX_SAFE_INTEGER + 2, -0),
  fc.array(junkText, { maxLength: 5 }),
  fc.dictionary(fc.constantFrom('__proto__', 'constructor', 'a', 'length', 'toString'), fc.string(), { maxKeys: 3 }),
  fc.integer({ min: 1, max: 5 }).map((size) => nested(10 ** Math.min(size, 3))),
)

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

interface Setup {
  doors: Doors
  key: string
  customer_id: bigint
  /** Throws when the wallet is not as it was, but for the orders that are open. */
  settled(): Promise<void>
}

async function setup(): Promise<Setup> {
  const doors = await openDoors()
  const { id, key } = await doors.customer('1000000', { legacy_get: true })
  const settled = async () => {
    const { posted, held } = await doors.shop.wallet(id)
    // A request may have hit upon the number of an order, and cancelled it.
    const [sum] = await doors.shop.app.db.query<{ open: bigint }>(
      'select coalesce(sum(charge - captured - released), 0)::bigint as open from orders.orders where customer_id = $1',
      [id],
    )
    expect({ posted, held }).toEqual({ posted: 1_000_000_000_000n, held: sum?.open })
  }
  return { doors, key, customer_id: id, settled }
}

async function countOrders({ doors }: Setup): Promise<number> {
  const [row] = await doors.shop.app.db.query<{ count: bigint }>('select count(*) from orders.orders')
  return Number(row?.count)
}

/** Answers in the panels' form, below 500; the number of the order that it says was placed. */
function panelAnswer(answer: RawAnswer): number | undefined {
  expect([answer.status, answer.content_type]).toEqual([200, 'application/json; charset=utf-8'])
  const body = JSON.parse(answer.text) as unknown
  expect(typeof body).toBe('object')
  const { order } = body as { order?: unknown }
  return typeof order === 'number' ? order : undefined
}

test('at the panels’ door any field may be anything', async () => {
  const all = await setup()
  const { doors, key } = all
  const names = ['key', 'action', 'service', 'link', 'quantity', 'comments', 'runs', 'interval', 'request_id']
  const lists = ['order', 'order_id', 'orders', 'refill', 'refills', 'orders[]', 'key[a]', '__proto__', 'x']
  const sold = doors.shop.service('Default')
  const valid = { key, service: String(sold.id), link: 'https://example.com/a', quantity: String(sold.min) }
  const actions = fc.constantFrom(
    'add',
    'add',
    'add',
    'status',
    'services',
    'balance',
    'refill',
    'refill_status',
    'cancel',
  )
  const changes = fc.dictionary(fc.constantFrom(...names, ...lists), junk, { minKeys: 1, maxKeys: 3 })
  const style = fc.constantFrom('form', 'json', 'multipart', 'get')
  // A request's key may come twice: then one order is told twice.
  const placed = new Set<number>()
  await fc.assert(
    fc.asyncProperty(actions, changes, style, async (action, changed, how) => {
      const fields = { ...valid, action, ...changed }
      const order = panelAnswer(await sendPanel(`${doors.url}/api/v2`, how, fields))
      if (order !== undefined) placed.add(order)
    }),
    { numRuns: RUNS * 4 },
  )
  expect(await countOrders(all)).toBe(placed.size)
  await all.settled()
})

function sendPanel(
  url: string,
  how: 'form' | 'json' | 'multipart' | 'get',
  fields: Record<string, unknown>,
): Promise<RawAnswer> {
  const text = (value: unknown) => (typeof value === 'string' ? value.toWellFormed() : String(JSON.stringify(value)))
  const pairs = Object.entries(fields).map(([name, value]) => [name, text(value)] as [string, string])
  switch (how) {
    case 'json':
      return sendRaw(url, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) })
    case 'form': {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      // Half of them unescaped, as careless clients send them.
      const body = pairs.map(([name, value], i) => `${name}=${i % 2 ? value : encodeURIComponent(value)}`).join('&')
      return sendRaw(url, { headers, body })
    }
    case 'multipart': {
      const parts = pairs.map(
        ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      return sendRaw(url, {
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        body: `${parts.join('')}--b--`,
      })
    }
    case 'get': {
      // What fits into a request line.
      const query = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value.slice(0, 500)]))
        .toString()
        .slice(0, 8_000)
      return sendRaw(`${url}?${query}`, { method: 'GET' })
    }
  }
}

test('at the panels’ door any bytes may come as any type', async () => {
  const all = await setup()
  const { doors, key } = all
  const types = fc.oneof(
    fc.constantFrom(
      'application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
      'text/html',
    ),
    fc.constantFrom('application/json; charset=utf-16', 'multipart/form-data', ';', '*/*', 'application/json;;', ''),
  )
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(`key=${key}&action=add&link=${text}`, 'latin1')),
    fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text)),
    fc
      .uint8Array({ maxLength: 200 })
      .map((bytes) => Buffer.concat([Buffer.from('--b\r\n'), bytes, Buffer.from('\r\n--b--')])),
  )
  await fc.assert(
    fc.asyncProperty(types, bodies, async (type, body) => {
      panelAnswer(await sendRaw(`${doors.url}/api/v2`, { headers: type === '' ? {} : { 'content-type': type }, body }))
    }),
    { numRuns: RUNS },
  )
  await all.settled()
})

/** Below 500, and a problem if it is a refusal. */
function restAnswer(answer: RawAnswer): void {
  expect(answer.status).toBeLessThan(500)
  if (answer.status < 400) return
  expect(answer.content_type).toBe('application/problem+json; charset=utf-8')
  expect(JSON.parse(answer.text)).toMatchObject({ status: answer.status, code: expect.stringMatching(/^[a-z_]+$/) })
}

interface Operation {
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown> } }> }
}

/** Ends the session that the others are asked with; and a page for people, which has no problems in JSON. */
const NOT_HERE = ['/api/v1/sessions/current', '/api/v1/unsubscribe/{token}']

test('over REST any part of any route may be anything', async () => {
  const all = await setup()
  const { doors, key } = all
  const { app } = doors.shop
  const password = 'long enough for anyone'
  const user = await createUser(app, { email: 'fuzz@example.com', password, role: 'customer' })
  const signed_in = await fetch(`${doors.url}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: user.email, password }),
  })
  const session = (await signed_in.json()) as { token: string }
  const document = await (await fetch(`${doors.url}/openapi.json`)).json()
  const { paths } = document as { paths: Record<string, Record<string, Operation>> }
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    path.startsWith('/api/v1/') && !NOT_HERE.includes(path)
      ? Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
      : [],
  )
  expect(routes.length).toBeGreaterThan(8)
  const order = { service: String(doors.shop.service('Package').id), link: 'https://example.com/a' }
  const header = fc.string({
    unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
    maxLength: 300,
  })

  for (const { path, method, operation } of routes) {
    const [content] = Object.values(operation.requestBody?.content ?? {})
    const names = Object.keys(content?.schema.properties ?? { x: 1 })
    const inQuery = (operation.parameters ?? []).filter((each) => each.in === 'query').map((each) => each.name)
    await fc.assert(
      fc.asyncProperty(
        junkText,
        fc.dictionary(fc.constantFrom('x', ...inQuery), junkText, { maxKeys: 3 }),
        fc.oneof(junk, fc.dictionary(fc.constantFrom('__proto__', ...names), junk)),
        fc.dictionary(fc.constantFrom('idempotency-key', 'if-none-match', 'accept-language', 'x-request-id'), header),
        async (part, query, body, headers) => {
          const filled = path.replace(/\{\w+\}/, encodeURIComponent(part.toWellFormed().slice(0, 300)))
          const pairs = Object.entries(query).map(([name, value]): [string, string] => [
            name,
            value.toWellFormed().slice(0, 500),
          ])
          const search = new URLSearchParams(pairs).toString()
          const isPlain = typeof body === 'object' && body !== null && !Array.isArray(body)
          const sent = isPlain && names.includes('link') ? { ...order, ...body } : body
          const own = /api-keys|sessions|profile|two-factor/.test(path)
          const who = own ? { authorization: `Bearer ${session.token}` } : { 'x-api-key': key }
          const url = `${doors.url}${filled}${search === '' ? '' : `?${search}`}`
          const all_headers = { ...headers, ...who, ...(content && { 'content-type': 'application/json' }) }
          restAnswer(
            await sendRaw(url, {
              method,
              headers: all_headers,
              ...(content && { body: String(JSON.stringify(sent)) }),
            }),
          )
        },
      ),
      { numRuns: Math.ceil(RUNS / 4) },
    )
  }
  await all.settled()
})

test('who presents anything as a credential is refused, and nothing breaks', async () => {
  const { doors } = await setup()
  const header = fc.string({
    unit: fc.integer({ min: 33, max: 255 }).map((code) => String.fromCharCode(code === 127 ? 33 : code)),
    maxLength: 300,
  })
  const name = fc.constantFrom('authorization', 'x-api-key', 'cookie')
  const scheme = fc.constantFrom('', 'Bearer ', 'ApiKey ', 'apikey  ', 'Basic ', 'saldo_session=')
  await fc.assert(
    fc.asyncProperty(name, scheme, header, async (where, how, value) => {
      const headers = { [where]: `${how}${value}` }
      const rest = await sendRaw(`${doors.url}/api/v1/balance`, { method: 'GET', headers })
      restAnswer(rest)
      expect(rest.status).toBe(401)
      const panel = await sendRaw(`${doors.url}/api/v2`, { headers, body: 'action=balance' })
      expect(panel.text).toBe('{"error":"Invalid API key"}')
    }),
    { numRuns: RUNS },
  )
})

test('10 MB, and nesting without end, are refused in the door’s own form', async () => {
  const all = await setup()
  const { doors, key } = all
  const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
  const huge = `{"link":"${'a'.repeat(10 * 1024 * 1024)}"}`
  const json = { 'x-api-key': key, 'content-type': 'application/json' }
  for (const body of [deep, huge]) {
    for (const chunked of [false, true]) {
      for (const path of ['/api/v1/order', '/api/v1/orders', '/api/v1/sessions']) {
        const answer = await sendRaw(`${doors.url}${path}`, { headers: json, body, chunked })
        restAnswer(answer)
        expect([path, answer.status]).toEqual([path, body === huge ? 413 : 400])
      }
      for (const type of ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b']) {
        const headers = { 'x-api-key': key, 'content-type': type }
        const answer = await sendRaw(`${doors.url}/api/v2`, { headers, body, chunked })
        expect(panelAnswer(answer)).toBeUndefined()
        expect(answer.text).toBe('{"error":"Incorrect request"}')
      }
    }
  }
  await all.settled()
})
