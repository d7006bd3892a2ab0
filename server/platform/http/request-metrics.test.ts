import { expect, test } from 'vitest'
import { worthLogging } from './request-metrics.ts'
import { testServer } from './test-server.ts'

test('success is quiet, errors of ours and slow answers are not', () => {
  expect(worthLogging(200, 1_000)).toEqual({ level: 'debug', message: 'answered' })
  expect(worthLogging(404, 5)).toEqual({ level: 'debug', message: 'answered' })
  expect(worthLogging(200, 1_001)).toEqual({ level: 'warn', message: 'answered slowly' })
  expect(worthLogging(503, 5)).toEqual({ level: 'warn', message: 'answered with an error' })
})

test('a line tells the route pattern and never the address with its query', async () => {
  const { ask, lines } = await testServer((app) => {
    app.get('/things/:id', (_, reply) => reply.code(503).send({}))
  })
  await ask('/things/7?key=hunter2', { headers: { 'x-request-id': 'r-1' } })
  await expect
    .poll(() => lines.find((line) => line.request_id === 'r-1'))
    .toMatchObject({
      level: 'warn',
      method: 'GET',
      route: '/things/:id',
      status: 503,
      duration_ms: expect.any(Number),
      ip: '127.0.0.1',
      msg: 'answered with an error',
    })
  expect(JSON.stringify(lines)).not.toContain('hunter2')
})
