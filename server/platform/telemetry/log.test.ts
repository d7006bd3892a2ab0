import { expect, test } from 'vitest'
import { correlate, correlationIds, uncorrelated } from './correlation.ts'
import { type LogOptions, openLog } from './log.ts'
import { isSecretField } from './secret-fields.ts'

function setup(level: LogOptions['level'] = 'info') {
  const lines: string[] = []
  const log = openLog({ level, name: 'saldo', destination: { write: (line) => lines.push(line) } })
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') }
}

test('a line is one JSON object with level, time, name, fields and message', () => {
  const { log, lines, last } = setup()
  log.info({ order_id: 2n ** 53n + 1n, at: new Date(0), none: undefined }, 'order placed')
  expect(lines).toHaveLength(1)
  expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1)
  expect(last()).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    name: 'saldo',
    order_id: '9007199254740993',
    at: '1970-01-01T00:00:00.000Z',
    msg: 'order placed',
  })
})

test('a line below the level is not written', () => {
  const { log, lines } = setup('warn')
  log.info('quiet')
  expect(lines).toHaveLength(0)
})

test('secrets are masked at every depth, in lists, maps, errors and child loggers', () => {
  const { log, lines } = setup()
  const secret = 'hunter2-of-the-deep'
  log.info({ password: secret, headers: { Authorization: secret, 'Set-Cookie': [secret], 'x-api-key': secret } }, 'one')
  log.info({ a: [{ b: { c: { api_key: secret, apiKey: secret, refresh_token: secret } } }] }, 'two')
  log.info({ map: new Map([['client_secret', secret]]) }, 'three')
  log.error({ err: Object.assign(new Error('no'), { request: { headers: { cookie: secret } } }) }, 'four')
  log.error(Object.assign(new Error('no'), { token: secret }))
  log.child({ password: secret }).child({ key: secret, kept: 'yes' }).info('five')
  expect(lines).toHaveLength(6)
  expect(lines.join('')).not.toContain(secret)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ password: '***', headers: { Authorization: '***' } })
  expect(JSON.parse(lines[5] ?? '')).toMatchObject({ password: '***', key: '***', kept: 'yes' })
})

test('an error that quotes a request or an answer is told without the secrets in it, its causes too', () => {
  const { log, lines } = setup()
  const secret = 'hunter2-of-the-deep'
  const quoting = new Error(`refused key=${secret}&action=add`, { cause: new Error(JSON.stringify({ secret })) })
  log.error({ err: Object.assign(quoting, { answer: [`{"token":"${secret}"}`] }) }, 'failed')
  expect(lines.join('')).not.toContain(secret)
  expect(lines.join('')).toContain('action=add')
})

test('a secret field is known by its name in any spelling, and its neighbours are not taken for one', () => {
  for (const name of ['key', 'API-Key', 'x-api-key', 'newPassword', 'client_secret', 'access_token', 'Cookie']) {
    expect([name, isSecretField(name)]).toEqual([name, true])
  }
  for (const name of ['idempotency_key', 'key_id', 'monkey', 'tokens_left', 'order', 'x'.repeat(10_000)]) {
    expect([name.slice(0, 20), isSecretField(name)]).toEqual([name.slice(0, 20), false])
  }
})

test('an error keeps its stack and its cause', () => {
  const { log, last } = setup()
  log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  expect(last().err).toMatchObject({ type: 'Error', message: 'outer: inner' })
  expect(last().err.stack).toContain('caused by: Error: inner')
})

test('long texts, long lists, deep values, circles and buffers are cut', () => {
  const { log, lines, last } = setup()
  const circle: Record<string, unknown> = {}
  circle.self = circle
  log.info({ text: 'x'.repeat(100_000), list: Array(10_000).fill(1), circle, bytes: Buffer.alloc(9_000) }, 'big')
  expect(lines[0]?.length).toBeLessThan(10_000)
  expect(last().bytes).toBe('9000 bytes')
})

test('lines carry the ids of the work they belong to, across await, and only theirs', async () => {
  const { log, lines } = setup()
  await Promise.all([
    correlate({ request_id: 'a' }, async () => {
      await Promise.resolve()
      await correlate({ order_id: '7' }, async () => {
        await Promise.resolve()
        log.info('inner')
      })
      log.info('outer')
    }),
    correlate({ request_id: 'b' }, async () => {
      await Promise.resolve()
      uncorrelated(() => log.info('batch'))
    }),
  ])
  const seen = lines.map((line) => JSON.parse(line)).map((line) => [line.msg, line.request_id, line.order_id])
  expect(seen.toSorted()).toEqual([
    ['batch', undefined, undefined],
    ['inner', 'a', '7'],
    ['outer', 'a', undefined],
  ])
  expect(correlationIds()).toEqual({})
})
