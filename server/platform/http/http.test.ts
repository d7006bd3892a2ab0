import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { errorHandler } from './failure.ts'
import type { HttpApp } from './http.ts'
import { ProblemError } from './problem.ts'
import { testServer } from './test-server.ts'

class TooPoorError extends ProblemError {
  override name = 'TooPoorError'
  readonly retry_after_s = 2.5
  constructor() {
    const fields = {
      code: 'too_poor',
      status: 402,
      title: 'Not enough funds',
      detail: 'You need 3 more.',
      field: 'amount',
    }
    super({ ...fields, extra: { missing: '3', status: 999 }, headers: { 'x-help': 'yes' } }, new Error('row 17'))
  }
}

const Order = z.object({
  service: z.number().int().min(1),
  link: z.string().min(1).max(20),
  tags: z
    .array(z.object({ name: z.string() }))
    .max(2)
    .optional(),
})

function routes(app: HttpApp) {
  app.post('/orders', { schema: { body: Order } }, (request) => ({ seen: request.body }))
  app.post('/free', (request) => ({ seen: request.body ?? null }))
  app.post('/small', { bodyLimit: 10 }, () => ({}))
  app.get(
    '/orders/:id',
    {
      schema: {
        params: z.object({ id: z.coerce.bigint() }),
        querystring: z.object({ limit: z.coerce.number().max(5).optional() }),
      },
    },
    () => ({}),
  )
  app.get('/echo/:text', (request) => ({ ip: request.ip, id: request.id, query: request.query }))
  app.get('/poor', () => {
    throw new TooPoorError()
  })
  app.get('/broken', () => {
    throw new Error('secret cause')
  })
  app.get('/page', (_, reply) => reply.header('content-type', 'text/html').send('<p>'))
}

const JSON_TYPE = { 'content-type': 'application/json' }

test('a problem has every member of RFC 9457 and ours, in the right type', async () => {
  const { ask } = await testServer(routes)
  const { status, headers, body } = await ask('/poor', { headers: { 'x-request-id': 'abc-1' } })
  expect(status).toBe(402)
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect([headers.get('x-help'), headers.get('retry-after')]).toEqual(['yes', '3'])
  expect(body).toEqual({
    type: 'urn:saldo:problem:too_poor',
    title: 'Not enough funds',
    status: 402,
    detail: 'You need 3 more.',
    code: 'too_poor',
    request_id: 'abc-1',
    missing: '3',
    errors: [{ field: 'amount', reason: 'You need 3 more.' }],
  })
})

test('an unforeseen failure is logged with its stack and counted, and tells its caller nothing', async () => {
  const { ask, lines, metrics } = await testServer(routes)
  const { status, body } = await ask('/broken')
  expect(status).toBe(500)
  expect(body).toMatchObject({ code: 'internal_error', request_id: expect.any(String) })
  expect(JSON.stringify(body)).not.toContain('secret cause')
  const line = lines.find((each) => each.level === 'error')
  expect(line).toMatchObject({ request_id: body.request_id, method: 'GET', route: '/broken', msg: 'request failed' })
  expect(line?.err).toMatchObject({ message: 'secret cause', stack: expect.stringContaining('http.test.ts') })
  expect(await metrics.registry.metrics()).toContain('http_unexpected_failures_total 1')
})

test('each field that is not valid is named with its reason', async () => {
  const { ask, post } = await testServer(routes)
  const { status, body } = await post('/orders', { service: 0, link: 'x'.repeat(21), tags: [{ name: 1 }] })
  expect(status).toBe(400)
  expect(body).toMatchObject({ code: 'invalid_request', detail: 'service must be at least 1 (and 2 more)' })
  expect(body.errors).toEqual([
    { field: 'service', reason: 'must be at least 1' },
    { field: 'link', reason: 'must have at most 20 characters' },
    { field: 'tags.0.name', reason: 'must be a string' },
  ])
  expect((await post('/orders', {})).body.errors).toEqual([
    { field: 'service', reason: 'is required' },
    { field: 'link', reason: 'is required' },
  ])
  expect((await post('/orders', [])).body.errors).toEqual([{ field: 'body', reason: 'must be an object' }])
  expect((await ask('/orders', { method: 'POST' })).body.errors).toEqual([{ field: 'body', reason: 'is required' }])
  expect((await ask('/orders/x')).body.errors).toEqual([{ field: 'id', reason: 'must be a bigint' }])
  expect((await ask('/orders/1?limit=6')).body.errors).toEqual([{ field: 'limit', reason: 'must be at most 5' }])
})

test('a body that cannot be read is refused in words', async () => {
  const { ask, post } = await testServer(routes, { body_limit: 1_000 })
  const refusal = async (body: string, headers: Record<string, string> = JSON_TYPE, path = '/free') => {
    const answer = await post(path, body, headers)
    return [answer.status, answer.body.code]
  }
  expect(await refusal('{"a":')).toEqual([400, 'malformed_json'])
  expect(await refusal('')).toEqual([400, 'malformed_json'])
  expect(await refusal('{"__proto__":{"a":1}}')).toEqual([400, 'malformed_json'])
  expect(await refusal('{"constructor":{"prototype":{}}}')).toEqual([400, 'malformed_json'])
  expect(await refusal(JSON.stringify('x'.repeat(1_000)))).toEqual([413, 'body_too_large'])
  expect(await refusal('"123456789"', JSON_TYPE, '/small')).toEqual([413, 'body_too_large'])
  expect(await refusal('a', { 'content-type': 'text/plain' })).toEqual([415, 'unsupported_media_type'])
  expect(await refusal('a', { 'content-type': 'nonsense' })).toEqual([415, 'unsupported_media_type'])
  const chunked = new Blob(['"', 'x'.repeat(2_000), '"']).stream()
  const init = { method: 'POST', body: chunked, duplex: 'half', headers: JSON_TYPE } as RequestInit
  expect((await ask('/free', init)).status).toBe(413)
})

test('NUL, halves of surrogate pairs and deep nesting are refused wherever they stand', async () => {
  const { ask, post } = await testServer(routes)
  const fault = async (body: string) => (await post('/free', body)).body.errors?.[0]
  expect(await fault('{"a":[{"b":"x\\u0000"}]}')).toEqual({ field: 'a.0.b', reason: 'must not contain NUL characters' })
  expect(await fault('{"a\\u0000":1}')).toEqual({ field: 'a', reason: 'must not contain NUL characters' })
  expect(await fault('"\\ud800"')).toEqual({ field: 'body', reason: 'must be valid Unicode text' })
  expect(await fault('{"a":"\\udc00\\ud800"}')).toEqual({ field: 'a', reason: 'must be valid Unicode text' })
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  expect((await fault(deep(65)))?.reason).toBe('is nested more than 64 levels deep')
  expect((await fault(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`))?.reason).toContain('nested')
  expect((await post('/free', deep(64))).status).toBe(200)
  expect((await post('/free', '{"a":"\\ud83d\\ude00 ü"}')).body).toEqual({ seen: { a: '😀 ü' } })
  expect((await ask('/echo/a%00b')).body.errors).toEqual([{ field: 'text', reason: 'must not contain NUL characters' }])
  expect((await ask('/echo/x?q=%00')).body.errors).toEqual([{ field: 'q', reason: 'must not contain NUL characters' }])
  expect((await ask('/echo/x?q=1&q=a%00')).body.errors[0].field).toBe('q.1')
})

test('any body at all is answered below 500 and leaves the server well', { timeout: 60_000 }, async () => {
  const { post, ask } = await testServer(routes)
  const bodies = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify({ service: value, link: value, tags: value })),
    fc.anything({ withBigInt: false }).map((value) => JSON.stringify(value) ?? ''),
    fc.constantFrom(
      '1e999',
      '-0',
      '"\\uD800"',
      '{"service":1e308}',
      'null',
      '\uFEFF{}',
      '{"service":9007199254740993}',
    ),
  )
  const types = fc.constantFrom(
    'application/json',
    'application/json; charset=latin1',
    'text/html',
    ';',
    'application/*',
  )
  await fc.assert(
    fc.asyncProperty(bodies, types, fc.constantFrom('/orders', '/free'), async (body, type, path) => {
      const { status } = await post(path, body, { 'content-type': type })
      expect(status).toBeLessThan(500)
    }),
    { numRuns: 500 },
  )
  expect((await ask('/healthz')).body).toEqual({ status: 'ok' })
})

test('an address without a route is 404, with another method 405, malformed 400', async () => {
  const { ask } = await testServer(routes)
  expect((await ask('/nothing')).body).toMatchObject({ status: 404, code: 'not_found' })
  const wrong = await ask('/orders/7?x=1', { method: 'PATCH' })
  expect(wrong.body).toMatchObject({ status: 405, code: 'method_not_allowed' })
  expect(wrong.headers.get('allow')).toBe('GET, HEAD')
  const bad = await ask('/echo/%zz', { headers: { 'x-request-id': 'id-1' } })
  expect(bad.body).toMatchObject({ status: 400, code: 'malformed_url', request_id: 'id-1' })
  expect(bad.headers.get('x-content-type-options')).toBe('nosniff')
  expect((await ask(`/echo/${'x'.repeat(201)}`)).body).toMatchObject({ status: 414, code: 'url_too_long' })
  expect((await ask('/echo/x/')).status).toBe(200)
})

test('a sane request id is taken over, any other replaced; the answer and the log carry it', async () => {
  const { ask, lines } = await testServer(routes)
  const taken = await ask('/echo/x', { headers: { 'x-request-id': 'Abc_123-x' } })
  expect([taken.headers.get('x-request-id'), taken.body.id]).toEqual(['Abc_123-x', 'Abc_123-x'])
  const ids = await Promise.all(
    ['', 'a b', '<script>', 'x'.repeat(65), 'ü'].map(async (id) => {
      return (await ask('/echo/x', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
    }),
  )
  for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  expect(new Set(ids).size).toBe(ids.length)
  expect(lines.find((line) => line.request_id === 'Abc_123-x')).toMatchObject({ route: '/echo/:text', status: 200 })
})

test('lines logged while a request is served carry its id', async () => {
  const { post, lines } = await testServer((app) => {
    app.post('/work', async (request) => {
      await new Promise((resolve) => setImmediate(resolve))
      app.log.info('at work')
      return { id: request.id }
    })
  })
  const answers = await Promise.all([1, 2, 3].map((n) => post('/work', { n })))
  const logged = lines.filter((line) => line.msg === 'at work').map((line) => line.request_id)
  expect(logged.toSorted()).toEqual(answers.map((answer) => answer.body.id).toSorted())
})

test('security headers are on every answer; HSTS only where we are reached by https', async () => {
  const plain = await testServer(routes)
  for (const path of ['/page', '/poor', '/broken', '/nothing', '/echo/%zz', '/healthz']) {
    const { headers } = await plain.ask(path)
    expect([path, headers.get('x-content-type-options'), headers.get('x-frame-options')]).toEqual([
      path,
      'nosniff',
      'DENY',
    ])
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('strict-transport-security')).toBeNull()
    const policy = path === '/page' ? "default-src 'self'" : "default-src 'none'"
    expect([path, headers.get('content-security-policy')?.startsWith(policy)]).toEqual([path, true])
  }
  const secure = await testServer(routes, { config: { trust_proxy: [], public_url: 'https://saldo.example' } })
  expect((await secure.ask('/page')).headers.get('strict-transport-security')).toBe('max-age=31536000')
})

test('the caller’s address is read from a trusted proxy alone', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.9' }
  const open = await testServer(routes)
  expect((await open.ask('/echo/x', { headers })).body.ip).toBe('127.0.0.1')
  const trusting = await testServer(routes, { config: { trust_proxy: ['127.0.0.0/8'], public_url: undefined } })
  expect((await trusting.ask('/echo/x', { headers })).body.ip).toBe('203.0.113.9')
  const forged = { 'x-forwarded-for': '10.0.0.1, 203.0.113.9' }
  expect((await trusting.ask('/echo/x', { headers: forged })).body.ip).toBe('203.0.113.9')
})

test('a door can word its failures itself, and unforeseen ones are still counted', async () => {
  const { post, ask, metrics } = await testServer((app) => {
    routes(app)
    app.register(async (door: HttpApp) => {
      door.setErrorHandler(
        errorHandler((failure) => ({
          status: 200,
          content_type: 'application/json',
          body: JSON.stringify({ error: failure.code }),
        })),
      )
      door.post('/api/v2', { schema: { body: Order } }, () => {
        throw new Error('boom')
      })
    })
  })
  const answers = [{ service: 1, link: 'x' }, { service: 1 }, { service: 1, link: '\0' }, '{']
  const codes = await Promise.all(answers.map(async (body) => (await post('/api/v2', body)).body))
  expect(codes).toEqual([
    { error: 'internal_error' },
    { error: 'invalid_request' },
    { error: 'invalid_request' },
    { error: 'malformed_json' },
  ])
  expect(await metrics.registry.metrics()).toContain('http_unexpected_failures_total 1')
  expect((await ask('/poor')).body.code).toBe('too_poor')
})

test('a failure is not forced into the schema of the route’s answer', async () => {
  const { ask } = await testServer((app) => {
    const schema = { response: { 200: z.object({ a: z.string() }), 402: z.object({ b: z.string() }) } }
    app.get('/typed', { schema }, () => {
      throw new TooPoorError()
    })
    app.get('/wrong', { schema }, () => ({ a: 7 as unknown as string }))
  })
  expect((await ask('/typed')).body).toMatchObject({ code: 'too_poor' })
  expect((await ask('/wrong')).body).toMatchObject({ code: 'internal_error' })
})

test('more requests than may be under way are refused with 503, the operators’ routes are not', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  let waiting = 0
  const { ask } = await testServer(
    (app) => {
      app.get('/wait', async () => {
        waiting += 1
        await gate
        return {}
      })
      app.get('/quick', () => ({}))
    },
    { in_flight_max: 2 },
  )
  const held = [ask('/wait'), ask('/wait')]
  await expect.poll(() => waiting).toBe(2)
  const refused = await ask('/quick')
  expect(refused.body).toMatchObject({ status: 503, code: 'unavailable' })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect((await ask('/healthz')).status).toBe(200)
  open()
  expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([200, 200])
  await expect.poll(async () => (await ask('/quick')).status).toBe(200)
})
