import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Doors, openDoors } from '#test/support/doors.ts'
import { sendRaw } from '#test/support/send-raw.ts'

/** Sends these bytes and answers all that came until the server closed the connection, or stayed silent for a moment after it. */
function sendBytes(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(received))
    socket.write(bytes)
  })
}

const statusesIn = (answers: string) => [...answers.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]))

test('a request whose length can be read in two ways is refused, and what follows it is no request', async () => {
  const { url } = await openDoors()
  const second = 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'
  const heads = [
    `content-length: 5\r\ntransfer-encoding: chunked`,
    `transfer-encoding: chunked\r\ncontent-length: 5`,
    `content-length: 5\r\ncontent-length: ${second.length}`,
    `content-length: 5, ${second.length}`,
    'content-length: +5',
    'content-length: 0x5',
    'transfer-encoding: xchunked',
    'transfer-encoding: chunked, identity',
    'transfer-encoding : chunked',
    'transfer-encoding:\r\n chunked',
    'transfer-encoding: chunked\r\ntransfer-encoding: identity',
  ]
  for (const head of heads) {
    const type = 'content-type: application/x-www-form-urlencoded'
    const answers = await sendBytes(
      url,
      `POST /api/v2 HTTP/1.1\r\nhost: x\r\n${type}\r\n${head}\r\n\r\n0\r\n\r\n${second}`,
    )
    expect([head, statusesIn(answers)]).toEqual([head, [400]])
  }
})

test('TRACE and CONNECT are not served', async () => {
  const { url } = await openDoors()
  const trace = await sendBytes(
    url,
    'TRACE /healthz HTTP/1.1\r\nhost: x\r\nx-secret: canary\r\nconnection: close\r\n\r\n',
  )
  expect(statusesIn(trace)[0]).toBeGreaterThanOrEqual(400)
  expect(trace).not.toContain('canary')
  const tunnel = await sendBytes(url, 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  expect(statusesIn(tunnel).filter((status) => status < 400)).toEqual([])
})

/** What a browser would take for a page, a script, or the beginning of another header. */
const INPUTS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'-alert(1)-'",
  '\u2028<svg onload=alert(1)>',
]

test('no answer to bad input is a page, or says the input back as one', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  for (const input of INPUTS) {
    const text = encodeURIComponent(input)
    const paths = [
      `/${text}`,
      `/api/v1/order/${text}`,
      `/api/v1/orders?state=${text}`,
      `/docs?lang=${text}`,
      `/account/reset?lang=${text}`,
      `/?next=${text}`,
    ]
    for (const path of paths) {
      const response = await fetch(doors.url + path, { headers: { 'x-api-key': key }, redirect: 'manual' })
      const body = await response.text()
      const isPage = response.headers.get('content-type')?.includes('html') === true
      expect([path, isPage && body.includes(input)]).toEqual([path, false])
      if (response.status >= 400) expect(isPage).toBe(false)
    }
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      for (const path of ['/api/v1/order', '/api/v2', '/api/v1/sessions']) {
        const body = type.includes('json')
          ? JSON.stringify({ [input]: input, action: input })
          : `action=${text}&${text}=1`
        const answer = await sendRaw(doors.url + path, { headers: { 'content-type': type, 'x-api-key': key }, body })
        expect([path, answer.content_type.includes('html')]).toEqual([path, false])
      }
    }
  }
})

test('the only redirect leads to the documentation, whatever is asked', async () => {
  const { url } = await openDoors()
  const elsewhere = [
    '//evil.example',
    '/\\evil.example',
    '/%2f%2fevil.example',
    '//evil.example/..',
    '/.//evil.example',
  ]
  const asked = ['/', '/?next=https://evil.example', '/docs/', '/docs?url=//evil.example', ...elsewhere]
  for (const path of asked) {
    const bytes = `GET ${path} HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\nconnection: close\r\n\r\n`
    const answer = await sendBytes(url, bytes)
    const location = /^location: (.*)\r$/im.exec(answer)?.[1]
    expect([path, location ?? '/docs']).toEqual([path, '/docs'])
  }
})

test('no path leads to a file', async () => {
  const { url } = await openDoors()
  const climbs = [
    '../',
    '..%2f',
    '%2e%2e/',
    '%2e%2e%2f',
    '..\\',
    '..%5c',
    '....//',
    '..;/',
    '%252e%252e%252f',
    '..%c0%af',
  ]
  const files = ['package.json', 'etc/passwd', '.saldo/secret.key', '.git/config', 'server/main.ts']
  const starts = ['/', '/docs/', '/account/', '/account/page.js/', '/api/v1/services/']
  const paths = starts.flatMap((start) =>
    climbs.flatMap((climb) => files.map((file) => start + climb.repeat(4) + file)),
  )
  for (const path of [...paths, ...files.map((file) => `/${file}`)]) {
    const [status = 0] = statusesIn(
      await sendBytes(url, `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
    )
    expect([path, [400, 401, 404].includes(status)]).toEqual([path, true])
  }
})

test('what is private is kept by no cache and no browser, refusals too', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  const cachedBy = async (path: string, headers: Record<string, string> = { 'x-api-key': key }) =>
    (await fetch(doors.url + path, { headers })).headers.get('cache-control')
  for (const path of ['/api/v1/balance', '/api/v1/orders', '/api/v1/order/1', '/nothing', '/api/v1/%zz']) {
    expect([path, await cachedBy(path)]).toEqual([path, 'no-store'])
  }
  expect(await cachedBy('/api/v1/balance', {})).toBe('no-store')
  // The same for everyone; the rates of one's own are for oneself.
  expect(await cachedBy('/api/v1/services', {})).toMatch(/^public/)
  expect(await cachedBy('/api/v1/services')).toMatch(/^private/)
})

test.for(['/docs', '/account/confirm', '/account/reset', '/account/change-email', '/account/invitation'])(
  'the page %s loads from us alone, and cannot be framed or led elsewhere',
  async (path) => {
    const { url } = await openDoors()
    const response = await fetch(url + path)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const directives = (response.headers.get('content-security-policy') ?? '').split('; ')
    const wanted = [
      "default-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ]
    expect(directives).toEqual(expect.arrayContaining(wanted))
    expect(directives.join()).not.toMatch(/script-src|unsafe-eval|https:|\*/)
  },
)

/** Names by which an object's prototype is reached, each with something that would be seen. */
const POLLUTIONS = ['{"__proto__":{"polluted":"yes"}}', '{"constructor":{"prototype":{"polluted":"yes"}}}']

test('no JSON reaches a prototype, at any door that takes a body', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  const routes = await routesWithBody(doors)
  expect(routes.length).toBeGreaterThan(20)
  for (const { method, path } of routes) {
    for (const pollution of POLLUTIONS) {
      const inner = pollution.slice(1, -1)
      const bodies = [pollution, `{"action":"add",${inner}}`, `{"orders":[${pollution}]}`, `[${pollution}]`]
      for (const body of bodies) {
        const headers = { 'content-type': 'application/json', 'x-api-key': key }
        const { status } = await sendRaw(doors.url + path, { method, headers, body })
        expect([method, path, status < 500]).toEqual([method, path, true])
        if (path !== '/api/v2') expect([method, path, body, status >= 400]).toEqual([method, path, body, true])
      }
    }
  }
  for (const body of ['__proto__[polluted]=yes&action=add', 'constructor[prototype][polluted]=yes', '__proto__=yes']) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-api-key': key }
    expect((await sendRaw(`${doors.url}/api/v2`, { headers, body })).status).toBe(200)
  }
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
  expect(Reflect.get([], 'polluted')).toBeUndefined()
})

test('fields of a body that came as a prototype are not taken for fields', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  const order = { service: String(doors.shop.service('Package').id), link: 'https://example.com/a' }
  const hidden = JSON.stringify({ key, action: 'add', ...order }).slice(1, -1)
  for (const body of [`{"__proto__":{${hidden}}}`, `{"key":"${key}","__proto__":{"action":"balance"}}`]) {
    const answer = await sendRaw(`${doors.url}/api/v2`, { headers: { 'content-type': 'application/json' }, body })
    expect(JSON.parse(answer.text)).toEqual({ error: expect.any(String) })
  }
})

async function routesWithBody({ url }: Doors): Promise<{ method: string; path: string }[]> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { requestBody?: object }>>
  }
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody }]) =>
      requestBody ? [{ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, '1') }] : [],
    ),
  )
}
