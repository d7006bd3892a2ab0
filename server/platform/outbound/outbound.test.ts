import { createPrivateKey } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { testDatabase } from '#test/support/database.ts'
import { type OutboundError, type OutboundRequest, openOutbound } from './outbound.ts'

/** For localhost, signed by itself, trusted by nobody. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUIFXCyntMgnvZlk4oYqg5c4yFBz4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMDE5NTYyNVoYDzIxMjYxMDI3
MTk1NjI1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARk2V10ry7wxNsQTO/BGyaT9SsZmrWXzoEcIkeXqy0vCZMWmQSVnfbO
cc8CccD90UrTOFfdwucsHk+HIjOlnF9Xo28wbTAdBgNVHQ4EFgQUScNop/j7J8fc
BI+KhK3phR1XUkEwHwYDVR0jBBgwFoAUScNop/j7J8fcBI+KhK3phR1XUkEwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAOi8CQOM38+VGkpL7Jb/JXfyhhlkw/MiWwPO3e0QqxCSAiB1
/aGHojQaJKUpQMuXx9WFi8UgA8hRkQXfgWm/imN45Q==
-----END CERTIFICATE-----`
const KEY = createPrivateKey({
  key: Buffer.from(
    'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfGzMvKqmos030vFVoQW5CG5g/HBYhbVpvVb/WF5lcyyhRANCAARk2V10ry7wxNsQTO/BGyaT9SsZmrWXzoEcIkeXqy0vCZMWmQSVnfbOcc8CccD90UrTOFfdwucsHk+HIjOlnF9X',
    'base64',
  ),
  format: 'der',
  type: 'pkcs8',
}).export({ format: 'pem', type: 'pkcs8' })

function setup(options: { guarded?: boolean } = {}) {
  const outbound = openOutbound({ allow_private_addresses: !options.guarded, user_agent: 'saldo-test' })
  onTestFinished(() => outbound.close())
  const call = (url: string, more: Partial<OutboundRequest> = {}) =>
    outbound.call({ url, method: 'POST', body: 'a=1', timeout_ms: 5_000, max_bytes: 100_000, ...more })
  const failure = (url: string, more: Partial<OutboundRequest> = {}) =>
    call(url, more).then(
      (response) => {
        throw new Error(`answered ${response.status}`)
      },
      (error: OutboundError) => ({ failure: error.failure, sent: error.sent }),
    )
  return { outbound, call, failure }
}

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function serve(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const seen: { method: string | undefined; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ method: request.method, headers: request.headers, body })
    answer(request, response, body)
  })
  const port = await listening(server)
  return { url: `http://127.0.0.1:${port}/x?y=1`, port, seen }
}

async function serveTls(options: TlsOptions) {
  const server = createTlsServer(options)
  let bytes = 0
  server.on('secureConnection', (socket) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length
    })
  })
  server.on('tlsClientError', () => undefined)
  return { port: await listening(server), bytes: () => bytes }
}

test('an answer comes with status, headers and body, whatever its status', async () => {
  const { call } = setup()
  const server = await serve((_, response, body) => {
    response.writeHead(503, { 'x-one': 'two', 'set-cookie': ['a=1', 'b=2'] }).end(`\uFEFFgrüße ${body}`)
  })
  const response = await call(server.url, { headers: { 'Content-Type': 'text/plain' } })
  expect(response).toMatchObject({ status: 503, body: 'grüße a=1' })
  expect(response.headers).toMatchObject({ 'x-one': 'two', 'set-cookie': 'a=1, b=2' })
  expect(response.duration_ms).toBeGreaterThanOrEqual(0)
  expect(server.seen[0]).toMatchObject({ method: 'POST', body: 'a=1' })
  expect(server.seen[0]?.headers).toMatchObject({
    host: `127.0.0.1:${server.port}`,
    'user-agent': 'saldo-test',
    'content-type': 'text/plain',
    'content-length': '3',
  })
})

test('compression is not asked for, and not undone', async () => {
  const { call } = setup()
  const server = await serve((_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('hello')))
  const response = await call(server.url)
  expect(server.seen[0]?.headers['accept-encoding']).toBe('identity')
  expect(response.body).not.toContain('hello')
})

test('a redirect is an answer and is not followed', async () => {
  const { call } = setup()
  const target = await serve((_, response) => response.end('target'))
  const server = await serve((_, response) => response.writeHead(302, { location: target.url }).end())
  expect((await call(server.url)).status).toBe(302)
  expect(target.seen).toHaveLength(0)
})

test('a time-out before the headers or in mid-body is unknown', async () => {
  const { failure } = setup()
  const silent = await serve(() => undefined)
  expect(await failure(silent.url, { timeout_ms: 100 })).toEqual({ failure: 'timeout', sent: true })
  const slow = await serve((_, response) => response.writeHead(200, { 'content-length': '100' }).write('half'))
  expect(await failure(slow.url, { timeout_ms: 100 })).toEqual({ failure: 'timeout', sent: true })
  expect([silent.seen.length, slow.seen.length]).toEqual([1, 1])
})

test('a body that drips does not outlive the time-out', async () => {
  const { failure } = setup()
  const server = await serve((_, response) => {
    const timer = setInterval(() => response.write('.'), 10)
    response.on('close', () => clearInterval(timer))
  })
  expect(await failure(server.url, { timeout_ms: 200 })).toEqual({ failure: 'timeout', sent: true })
})

test('a connection cut after the request, or in mid-answer, is unknown and is not tried again', async () => {
  const { failure } = setup()
  for (const method of ['POST', 'GET', 'PUT', 'DELETE'] as const) {
    const cut = await serve((request) => request.socket.destroy())
    expect(await failure(cut.url, { method })).toEqual({ failure: 'reset', sent: true })
    expect(cut.seen).toHaveLength(1)
  }
  const half = await serve((request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half', () => request.socket.destroy())
  })
  expect(await failure(half.url)).toEqual({ failure: 'reset', sent: true })
  expect(half.seen).toHaveLength(1)
})

test('a kept connection that breaks under the second request: unknown, and sent once', async () => {
  const { call, failure } = setup()
  for (const method of ['POST', 'GET'] as const) {
    const server = await serve((request, response) => {
      if (server.seen.length === 1) response.end('first')
      else request.socket.destroy()
    })
    expect((await call(server.url, { method })).body).toBe('first')
    expect(await failure(server.url, { method })).toEqual({ failure: 'reset', sent: true })
    expect(server.seen).toHaveLength(2)
  }
})

test('a server that closes each connection right after its answer gets no request twice', async () => {
  const { call } = setup()
  const server = await serve((request, response) => response.end('ok', () => request.socket.destroy()))
  let answered = 0
  let unknown = 0
  for (let i = 0; i < 50; i++) {
    await call(server.url).then(
      () => answered++,
      (error: OutboundError) => {
        if (error.sent) unknown++
      },
    )
  }
  expect(answered).toBeGreaterThan(0)
  expect(server.seen.length).toBeGreaterThanOrEqual(answered)
  expect(server.seen.length).toBeLessThanOrEqual(answered + unknown)
})

test('what answers no HTTP is a broken connection, unknown', async () => {
  const { failure } = setup()
  const port = await listening(createTcpServer((socket) => socket.on('data', () => socket.end('SSH-2.0-x\r\n\r\n'))))
  expect(await failure(`http://127.0.0.1:${port}/`)).toEqual({ failure: 'reset', sent: true })
})

test('an answer beyond the cap fails, whether it says its length or not', async () => {
  const { call, failure } = setup()
  const said = await serve((_, response) => response.end('x'.repeat(1_001)))
  const unsaid = await serve((_, response) => {
    response.write('x'.repeat(600))
    response.end('x'.repeat(600))
  })
  const headers = await serve((_, response) => response.setHeader('x-big', 'x'.repeat(17_000)).end())
  for (const server of [said, unsaid, headers]) {
    expect(await failure(server.url, { max_bytes: 1_000 })).toEqual({ failure: 'too_large', sent: true })
  }
  expect((await call(said.url, { max_bytes: 1_001 })).body).toHaveLength(1_001)
})

test('an answer beyond the cap counts where that is asked for, with what was read of it', async () => {
  const { call, failure } = setup()
  const said = await serve((_, response) => response.writeHead(202).end('x'.repeat(100_000)))
  const endless = await serve((_, response) => {
    const more = () => void response.write('é'.repeat(5_000), (error) => error || setImmediate(more))
    more()
  })
  for (const server of [said, endless]) {
    const response = await call(server.url, { max_bytes: 1_001, beyond_max: 'is_cut' })
    expect([Buffer.byteLength(response.body) >= 1_001, response.body.length <= 1_001, response.cut]).toEqual([
      true,
      true,
      true,
    ])
  }
  const whole = await call(said.url, { beyond_max: 'is_cut' })
  expect([whole.status, whole.body.length, whole.cut]).toEqual([202, 100_000, false])
  const headers = await serve((_, response) => response.setHeader('x-big', 'x'.repeat(17_000)).end())
  expect(await failure(headers.url, { beyond_max: 'is_cut' })).toEqual({ failure: 'too_large', sent: true })
})

test('nothing listens: certainly not sent', async () => {
  const { failure } = setup()
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  expect(await failure(`http://127.0.0.1:${port}/`)).toEqual({ failure: 'connect', sent: false })
  expect(await failure(`https://localhost:${port}/`)).toEqual({ failure: 'connect', sent: false })
})

test('a name that does not resolve: certainly not sent', async () => {
  const { failure } = setup()
  expect(await failure('http://no-such-host.invalid/')).toEqual({ failure: 'dns', sent: false })
})

test('a TLS handshake that fails: certainly not sent', async () => {
  const { failure } = setup()
  const untrusted = await serveTls({ key: KEY, cert: CERTIFICATE })
  const bare = await serveTls({})
  const plain = await serve((_, response) => response.end())
  for (const host of ['localhost', '127.0.0.1']) {
    for (const port of [untrusted.port, bare.port, plain.port]) {
      expect(await failure(`https://${host}:${port}/`)).toEqual({ failure: 'tls', sent: false })
    }
  }
  expect(untrusted.bytes()).toBe(0)
})

test('a handshake that never ends times out: certainly not sent', async () => {
  const { failure } = setup()
  const port = await listening(createTcpServer())
  expect(await failure(`https://localhost:${port}/`, { timeout_ms: 100 })).toEqual({ failure: 'timeout', sent: false })
})

test('a call that timed out while it waited for a connection is never sent', async () => {
  const { call, failure } = setup()
  const held: ServerResponse[] = []
  const full = Promise.withResolvers<void>()
  const server = await serve((_, response) => {
    if (held.push(response) === 128) full.resolve()
  })
  const first = Array.from({ length: 128 }, () => call(server.url, { body: 'first' }))
  await full.promise
  expect(await failure(server.url, { body: 'late', timeout_ms: 100 })).toEqual({ failure: 'timeout', sent: false })
  for (const response of held) response.end('done')
  expect((await Promise.all(first)).map((response) => response.body)).toEqual(Array(128).fill('done'))
  const last = call(server.url, { body: 'last' })
  await expect.poll(() => held.length).toBe(129)
  held.at(-1)?.end()
  await last
  expect(server.seen.filter((request) => request.body === 'late')).toHaveLength(0)
})

test('the guard refuses every spelling of an address that is not public', async () => {
  const { failure } = setup({ guarded: true })
  const server = await serve((_, response) => response.end('reached'))
  const hosts = [
    '127.0.0.1',
    '0x7f.1',
    '0177.0.0.1',
    '2130706433',
    '127.1',
    '[::ffff:127.0.0.1]',
    '[::1]',
    '0',
    'localhost',
  ]
  for (const host of [
    ...hosts,
    'LOCALHOST',
    '①②⑦.0.0.1',
    '169.254.169.254',
    '[fd00::1]',
    '[64:ff9b::7f00:1]',
    '10.0.0.1',
  ]) {
    expect([host, await failure(`http://${host}:${server.port}/`)]).toEqual([
      host,
      { failure: 'address_refused', sent: false },
    ])
    expect(await failure(`https://${host}:${server.port}/`)).toMatchObject({ sent: false })
  }
  expect(server.seen).toHaveLength(0)
})

test('only http and https without credentials are called', async () => {
  const { failure } = setup()
  const server = await serve((_, response) => response.end('reached'))
  const urls = [
    'ftp://x/',
    'file:///etc/passwd',
    'no url',
    '',
    `http://user:pw@127.0.0.1:${server.port}/`,
    'unix:/run/x',
  ]
  for (const url of urls) expect(await failure(url)).toEqual({ failure: 'address_refused', sent: false })
  expect(server.seen).toHaveLength(0)
})

test('a header that would split the request is refused before anything is sent', async () => {
  const { failure } = setup()
  const server = await serve((_, response) => response.end('reached'))
  expect(await failure(server.url, { headers: { 'x-a': 'b\r\nx-c: d' } })).toEqual({ failure: 'aborted', sent: false })
  expect(server.seen).toHaveLength(0)
})

test('inside a transaction a call is a defect', async () => {
  const { call } = setup()
  const { db } = await testDatabase()
  const server = await serve((_, response) => response.end('reached'))
  await expect(db.transaction(() => call(server.url))).rejects.toThrow(InvariantError)
  expect(server.seen).toHaveLength(0)
  expect((await call(server.url)).body).toBe('reached')
})

test('closing waits for what is under way and takes no more', async () => {
  const { outbound, call, failure } = setup()
  const arrived = Promise.withResolvers<ServerResponse>()
  const server = await serve((_, response) => arrived.resolve(response))
  const underWay = call(server.url)
  const response = await arrived.promise
  const closing = outbound.close()
  expect(await failure(server.url)).toEqual({ failure: 'aborted', sent: false })
  response.end('last')
  expect((await underWay).body).toBe('last')
  await closing
})
