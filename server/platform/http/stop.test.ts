import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { HttpApp } from './http.ts'
import { testServer } from './test-server.ts'

async function setup() {
  const gate = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const server = await testServer((app: HttpApp) => {
    app.get('/wait', async () => {
      arrived.resolve()
      await gate.promise
      return { done: true }
    })
    app.get('/quick', () => ({}))
  })
  return { ...server, open: () => gate.resolve(), arrived: arrived.promise }
}

test('a stop finishes what was taken and closes idle and silent connections at once', async () => {
  const { http, ask, raw, open, arrived } = await setup()
  const silent = await raw()
  const idle = await raw()
  idle.socket.write('GET /quick HTTP/1.1\r\nhost: x\r\n\r\n')
  await new Promise((resolve) => idle.socket.once('data', resolve))
  const underWay = ask('/wait')
  await arrived
  const started = performance.now()
  const stopped = http.stop()
  expect(await silent.read()).toBe('')
  expect(await idle.read()).toContain('HTTP/1.1 200')
  open()
  const answer = await underWay
  expect(answer.body).toEqual({ done: true })
  expect(answer.headers.get('connection')).toBe('close')
  await stopped
  expect(performance.now() - started).toBeLessThan(5_000)
  await expect(ask('/quick')).rejects.toThrow()
})

test('while draining, readiness is 503 first, and others are still served', async () => {
  const { http, ask, open } = await setup()
  expect((await ask('/readyz')).status).toBe(200)
  const stopped = http.stop({ drain_ms: 300 })
  expect(http.stopping.aborted).toBe(true)
  const ready = await ask('/readyz')
  expect([ready.status, ready.body]).toEqual([503, { status: 'stopping', checks: {} }])
  expect(ready.headers.get('connection')).toBe('close')
  expect((await ask('/healthz')).status).toBe(200)
  expect((await ask('/quick')).status).toBe(200)
  open()
  await stopped
})

test('a stopping server refuses a request that had begun to arrive but was not taken', async () => {
  const { http, raw, open, arrived } = await setup()
  const sockets: Socket[] = []
  http.app.server.on('connection', (socket) => sockets.push(socket))
  const taken = await raw()
  taken.socket.write('GET /wait HTTP/1.1\r\nhost: x\r\n\r\n')
  await arrived
  const late = await raw()
  late.socket.write('GET /quick HTTP/1.1\r\nhost: x\r\n')
  await expect.poll(() => sockets.map((socket) => socket.bytesRead > 0)).toEqual([true, true])
  const stopped = http.stop()
  late.socket.write('\r\n')
  const refusal = await late.read()
  expect(refusal).toContain('HTTP/1.1 503')
  expect(refusal).toContain('"code":"unavailable"')
  expect(refusal.toLowerCase()).toContain('connection: close')
  open()
  expect(await taken.read()).toContain('{"done":true}')
  await stopped
})

test('what does not finish in time is cut off', async () => {
  const { http, raw, arrived, open } = await setup()
  const hanging = await raw()
  hanging.socket.write('GET /wait HTTP/1.1\r\nhost: x\r\n\r\n')
  await arrived
  await http.stop({ timeout_ms: 50 })
  expect(await hanging.read()).toBe('')
  open()
})

test('a stop can be asked for twice, and before anything listens', async () => {
  const { http } = await setup()
  await Promise.all([http.stop(), http.stop()])
  await http.stop()
})
