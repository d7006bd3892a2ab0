import { expect, test } from 'vitest'
import { testServer } from './test-server.ts'

test('the server is ready when every check passes, and says which does not', async () => {
  let database: () => Promise<unknown> = async () => 1
  const checks = { database: () => database(), cache: async () => 'fine' }
  const { ask, lines } = await testServer(() => undefined, { checks })
  expect((await ask('/readyz')).body).toEqual({ status: 'ready', checks: { database: 'ok', cache: 'ok' } })
  database = async () => {
    throw new Error('password=hunter2')
  }
  await expect.poll(async () => (await ask('/readyz')).status, { timeout: 5_000 }).toBe(503)
  const answer = await ask('/readyz')
  expect(answer.body).toEqual({ status: 'not_ready', checks: { database: 'failed', cache: 'ok' } })
  expect(answer.headers.get('content-type')).toContain('application/json')
  expect(lines.some((line) => line.msg === 'not ready' && line.check === 'database')).toBe(true)
})

test('a check that hangs has failed, and many askers start it once', async () => {
  let runs = 0
  const hanging = () => {
    runs += 1
    return new Promise(() => undefined)
  }
  const { ask } = await testServer(() => undefined, { checks: { hanging } })
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/readyz')))
  for (const answer of answers) expect(answer.body).toEqual({ status: 'not_ready', checks: { hanging: 'failed' } })
  expect(runs).toBe(1)
})

test('metrics count requests by route pattern, method and class of status', async () => {
  const { ask } = await testServer((app) => {
    app.get('/things/:id', () => ({}))
  })
  await ask('/things/1')
  await ask('/things/2')
  await ask('/nowhere/3')
  const metrics = await ask('/metrics')
  expect(metrics.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  expect(metrics.text).toContain('http_request_duration_seconds_count{method="GET",route="/things/:id",status="2xx"} 2')
  expect(metrics.text).toContain('http_request_duration_seconds_count{method="GET",route="none",status="4xx"} 1')
  expect(metrics.text).toContain('http_requests_in_flight 1')
  expect(metrics.text).not.toContain('/things/1')
})
