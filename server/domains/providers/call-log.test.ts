import { Writable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { openLog } from '#server/platform/telemetry/log.ts'
import { openMetrics } from '#server/platform/telemetry/metrics.ts'
import { testDatabase } from '#test/support/database.ts'
import { type CallRecord, openCallLog } from './call-log.ts'
import { callsOfOrder, callsOfProvider } from './queries.ts'

const AT = new Date('2026-11-20T10:00:00Z')

function callOf(fields: Partial<CallRecord> = {}): CallRecord {
  return {
    at: AT,
    provider_id: 1n,
    order_id: 7n,
    action: 'add',
    request: '{"action":"add"}',
    response: '{"order":1}',
    http_status: 200,
    outcome: 'accepted',
    duration_ms: 12.6,
    ...fields,
  }
}

async function setup() {
  const { db } = await testDatabase()
  const lines: string[] = []
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const metrics = openMetrics()
  const log = openLog({ level: 'info', destination })
  const dropped = async () => {
    const metric = await metrics.registry.getSingleMetric('saldo_provider_calls_unlogged_total')?.get()
    return metric?.values[0]?.value
  }
  return { db, lines, metrics, log, dropped, calls: openCallLog({ db, log, metrics }) }
}

test('writes what was recorded, by itself', async () => {
  const { db, calls } = await setup()
  calls.record(callOf())
  await vi.waitFor(async () => expect(await callsOfOrder(db, 7n)).toHaveLength(1))
  const [call] = await callsOfOrder(db, 7n)
  expect(call).toMatchObject({
    at: AT,
    provider_id: 1n,
    order_id: 7n,
    http_status: 200,
    duration_ms: 13,
    outcome: 'accepted',
  })
  await calls.close()
})

test('close writes all the rest, in the order of time, whatever the texts hold', async () => {
  const { db, calls } = await setup()
  const odd = 'NUL \0, quote ", back \\, brace {}, comma, emoji 🙂, half \ud83d'
  calls.record(callOf({ request: odd, response: odd, order_id: undefined, http_status: undefined }))
  for (let count = 1; count < 1_234; count++) calls.record(callOf({ at: new Date(AT.getTime() + count) }))
  await calls.close()
  const counted = await db.query<{ n: bigint }>('select count(*) n from providers.call_log')
  expect(counted[0]?.n).toBe(1_234n)
  const behind = { at: new Date(AT.getTime() + 1).toISOString(), id: 0n }
  const page = await callsOfProvider(db, 1n, { behind, limit: 100 })
  expect(page[0]?.request).toBe('NUL , quote ", back \\, brace {}, comma, emoji 🙂, half \ufffd')
  expect(page[0]?.http_status).toBeNull()
})

test('goes into the partition of its month', async () => {
  const { db, calls } = await setup()
  calls.record(callOf({ at: new Date() }))
  calls.record(callOf({ at: new Date('2001-01-01T00:00:00Z') }))
  await calls.close()
  const rows = await db.query<{ home: string }>(
    'select tableoid::regclass::text as home from providers.call_log order by at',
  )
  expect(rows[0]?.home).toBe('providers.call_log_default')
  expect(rows[1]?.home).not.toBe('providers.call_log_default')
})

test('survives a database that is away for a moment', async () => {
  const { db, calls, dropped } = await setup()
  await db.query('alter table providers.call_log rename to call_log_away')
  calls.record(callOf())
  const closed = calls.close()
  await db.query('alter table providers.call_log_away rename to call_log')
  await closed
  expect(await callsOfOrder(db, 7n)).toHaveLength(1)
  expect(await dropped()).toBe(0)
})

test('drops, counts and logs what a lasting failure leaves over, and never grows without bound', async () => {
  const { db, calls, lines, dropped } = await setup()
  await db.query('alter table providers.call_log rename to call_log_away')
  for (let count = 0; count < 4_100; count++) calls.record(callOf())
  expect(await dropped()).toBe(100)
  await db.query('alter table providers.call_log_away rename to call_log')
  await calls.close()
  const counted = await db.query<{ n: bigint }>('select count(*) n from providers.call_log')
  expect(counted[0]?.n).toBe(4_000n)
  expect(lines.some((line) => line.includes('"calls":100') && line.includes('missing in the call log'))).toBe(true)
})
