import { expect, onTestFinished, test } from 'vitest'
import { controlOf } from '#sandbox/provider/client.ts'
import { startProviderPanel } from '#sandbox/provider/start-provider-panel.ts'
import { databaseForAll } from '#test/support/database-for-all.ts'
import { testProviders } from '#test/support/providers.ts'
import { checkBalance } from './check-balance.ts'
import { ProviderNotFoundError } from './errors.ts'
import { findProvider } from './queries.ts'

const KEY = 'canary-key-of-the-panel'
const database = databaseForAll()

async function setup() {
  const db = database()
  const panel = await startProviderPanel({ key: KEY, balance: '12.345678' })
  onTestFinished(() => panel.close())
  const clock = { ms: 0, now: () => new Date(Date.UTC(2026, 10, 20) + clock.ms), monotonic_ms: () => clock.ms }
  const opened = await testProviders(db, { clock })
  const id = await opened.add({ url: panel.url, key: KEY })
  const control = controlOf(panel.control_url)
  return {
    ...opened,
    id,
    clock,
    control,
    check: (options?: { fresh?: boolean }) => checkBalance(opened.providers, id, options),
    stored: () => findProvider(db, id),
    asked: async () => (await control.summary()).requests.balance ?? 0,
  }
}

test('answers the balance and stores it', async () => {
  const { check, stored, clock, lines } = await setup()
  expect(await check()).toEqual({ status: 'ok', balance: 12_345_678n, currency: 'USD', asked_at: expect.any(Date) })
  expect(await stored()).toMatchObject({
    balance: 12_345_678n,
    balance_status: 'ok',
    balance_error: null,
    balance_checked_at: clock.now(),
    version: 1n,
  })
  expect(lines.some((line) => line.includes('"event":"BALANCE_CHECK"') && line.includes('"12345678"'))).toBe(true)
})

test('a provider that cannot be asked is unavailable, with the reason, and its last balance stays', async () => {
  const { check, stored, control } = await setup()
  await check()
  await control.setFaults({ wrong_key: 1 })
  expect(await check({ fresh: true })).toMatchObject({ status: 'unavailable', reason: 'invalid_key' })
  expect(await stored()).toMatchObject({
    balance: 12_345_678n,
    balance_status: 'invalid_key',
    balance_error: 'Invalid API key',
  })
  await control.setFaults({ html: 1 })
  expect(await check({ fresh: true })).toMatchObject({ status: 'unavailable', reason: 'unreadable_answer' })
  await control.setFaults({ cut_before: 1 })
  expect(await check({ fresh: true })).toMatchObject({ status: 'unavailable', reason: 'unreachable' })
  expect(await stored()).toMatchObject({ balance_status: 'unreachable' })
})

test('an empty balance is an answer, not a failure', async () => {
  const { check, stored, control } = await setup()
  await control.setBalance('0')
  expect(await check()).toEqual({ status: 'ok', balance: 0n, currency: 'USD', asked_at: expect.any(Date) })
  expect(await stored()).toMatchObject({ balance: 0n, balance_status: 'ok' })
})

test('many who ask at once share one call, and its answer is remembered for two seconds', async () => {
  const { check, control, clock, asked } = await setup()
  const answers = await Promise.all(Array.from({ length: 50 }, () => check()))
  expect(new Set(answers).size).toBe(1)
  clock.ms += 1_999
  await check()
  expect(await asked()).toBe(1)
  await control.setBalance('5')
  clock.ms += 2
  expect(await check()).toMatchObject({ balance: 5_000_000n })
  expect(await asked()).toBe(2)
  await check({ fresh: true })
  expect(await asked()).toBe(3)
})

test('a failure is remembered too, so that a provider in trouble is not pressed', async () => {
  const { check, control, asked } = await setup()
  await control.setFaults({ html: 1 })
  for (let count = 0; count < 20; count++) expect(await check()).toMatchObject({ status: 'unavailable' })
  expect(await asked()).toBe(1)
})

test('an older answer never replaces a newer one', async () => {
  const { check, stored, control, clock } = await setup()
  clock.ms = 10_000
  await check({ fresh: true })
  await control.setBalance('1')
  clock.ms = 5_000
  await check({ fresh: true })
  expect(await stored()).toMatchObject({ balance: 12_345_678n })
})

test('checks are counted', async () => {
  const { check, control, providers } = await setup()
  await check()
  await control.setFaults({ html: 1 })
  await check({ fresh: true })
  const text = await providers.metrics.registry.metrics()
  expect(text).toMatch(/saldo_provider_balance_checks_total\{provider="[^"]+",outcome="ok"\} 1/)
  expect(text).toMatch(/saldo_provider_balance_checks_total\{provider="[^"]+",outcome="unreadable_answer"\} 1/)
})

test('an unknown provider is not found, and that is not remembered', async () => {
  const { providers } = await setup()
  await expect(checkBalance(providers, 999_999n)).rejects.toThrow(ProviderNotFoundError)
  await expect(checkBalance(providers, 999_999n)).rejects.toThrow(ProviderNotFoundError)
})
