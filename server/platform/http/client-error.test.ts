import { expect, test } from 'vitest'
import { testServer } from './test-server.ts'

test('what is no HTTP, or has too much of it, is answered with a problem and closed', async () => {
  const { raw } = await testServer((app) => {
    app.get('/', () => ({}))
  })
  const answerTo = async (bytes: string) => {
    const { socket, read } = await raw()
    socket.write(bytes)
    const [head = '', body = ''] = (await read()).split('\r\n\r\n')
    return { head, body: JSON.parse(body) }
  }
  const malformed = await answerTo('nonsense\r\n\r\n')
  expect(malformed.head).toContain('HTTP/1.1 400 Bad Request')
  expect(malformed.head).toContain('application/problem+json')
  expect(malformed.body).toMatchObject({ status: 400, code: 'malformed_request', request_id: expect.any(String) })
  const header = await answerTo(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`)
  expect(header.body).toMatchObject({ status: 431, code: 'headers_too_large' })
  const url = await answerTo(`GET /${'y'.repeat(17_000)} HTTP/1.1\r\nhost: x\r\n\r\n`)
  expect(url.body).toMatchObject({ status: 431 })
  const smuggled = await answerTo(
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nabc',
  )
  expect(smuggled.body).toMatchObject({ status: 400 })
})

test('a caller who hangs up in mid-body is no failure of ours', async () => {
  const { raw, http, lines, metrics } = await testServer((app) => {
    app.post('/take', () => ({}))
  })
  const { socket } = await raw()
  socket.write('POST /take HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":')
  await expect.poll(async () => (await metrics.registry.metrics()).includes('http_requests_in_flight 1')).toBe(true)
  socket.destroy()
  await expect.poll(async () => (await metrics.registry.metrics()).includes('http_requests_in_flight 0')).toBe(true)
  await http.stop()
  expect(lines.filter((line) => line.level === 'error' || line.level === 'warn')).toEqual([])
})
