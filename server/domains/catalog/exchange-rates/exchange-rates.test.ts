import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { importOf, offeredService, setupCatalog, storedServices } from '#test/support/catalog.ts'
import { applyOffer } from '../apply-offer.ts'
import { importServices } from '../import-services.ts'
import { lockPrices } from '../queries.ts'
import { followExchangeRates } from './follow-exchange-rates.ts'
import { setExchangeRate } from './set-exchange-rate.ts'

const EURO = 1_100_000_000_000n

/** A provider that bills in euros; nothing says what they are worth. */
async function setup() {
  const shop = await setupCatalog()
  await shop.db.query(`update providers.provider set currency = 'EUR'`)
  const set = (usd_per_unit: bigint, confirm?: boolean, app = shop.app) =>
    setExchangeRate(app, { asset: 'EUR', usd_per_unit, source: 'ECB', confirm })
  const service = async () => (await storedServices(shop.db)).get('1')
  const later = (hours: number) => ({
    ...shop.app,
    clock: { ...shop.app.clock, now: () => new Date(Date.now() + hours * 3_600_000) },
  })
  return { ...shop, set, service, later, offer: shop.input(offeredService('1')) }
}

test('nothing is taken in that nobody can price', async () => {
  const { app, db, offer, set, service } = await setup()
  await expect(importServices(app, offer)).rejects.toMatchObject({ code: 'no_exchange_rate', status: 409 })
  expect(await db.query('select from catalog.service')).toEqual([])
  await set(EURO)
  expect(await importServices(app, offer)).toMatchObject({ created: 1 })
  expect(await service()).toMatchObject({ cost: 1_000_000n, cost_asset: 'EUR', cost_usd: 1_100_000n, rate: 1_210_000n })
})

test('a new rate prices anew what is billed in its currency, and is remembered with who and where', async () => {
  const { app, db, offer, set, service } = await setup()
  await set(EURO)
  await importServices(app, offer)
  expect(await set(1_200_000_000_000n)).toHaveLength(1)
  expect(await service()).toMatchObject({ cost_usd: 1_200_000n, rate: 1_320_000n, version: 2n })
  expect(await set(1_200_000_000_000n)).toEqual([])
  expect(await service()).toMatchObject({ version: 2n })
  const rates = await db.query('select usd_per_unit, source from catalog.exchange_rate order by id')
  expect(rates.map((rate) => (rate as { usd_per_unit: bigint }).usd_per_unit)).toEqual([
    EURO,
    1_200_000_000_000n,
    1_200_000_000_000n,
  ])
  expect(await actsIn(db, 'prices.exchange_rate_set')).toHaveLength(3)
  await expect(db.query('update catalog.exchange_rate set usd_per_unit = 1')).rejects.toThrow('only added to')
})

test('a rate that has become too old stops selling, until it is set again', async () => {
  const { app, db, offer, set, service, later } = await setup()
  await set(EURO)
  await importServices(app, offer)
  expect(await followExchangeRates(later(47))).toBe(0)
  expect(await followExchangeRates(later(49))).toBe(1)
  expect(await followExchangeRates(later(49))).toBe(0)
  expect(await service()).toMatchObject({ active: false, deactivated_reason: 'no_exchange_rate', cost_usd: null })
  expect(await set(EURO, undefined, later(49))).toHaveLength(1)
  expect(await service()).toMatchObject({ active: true, deactivated_reason: null, rate: 1_210_000n })
  const reasons = await db.query('select reason from catalog.service_change order by id')
  expect(reasons).toEqual([{ reason: null }, { reason: 'no_exchange_rate' }, { reason: null }])
})

test('a refresh without a fresh rate takes over limits, sells nothing, and says why', async () => {
  const { app, provider_id, offer, set, service, later } = await setup()
  await set(EURO)
  await importServices(app, offer)
  const app_later = later(49)
  const risen = importOf(provider_id, [offeredService('1', { rate: 2_000_000n, max: 500n })])
  const asked_at = app_later.clock.now()
  const outcome = await applyOffer(app_later, { provider_id, offer: risen.offer, asked_at, create: 'none' })
  expect(outcome).toMatchObject({ applied: true, problem: expect.stringContaining('EUR') })
  expect(await service()).toMatchObject({ active: false, cost: 2_000_000n, max: 500n, rate: 1_210_000n })
  await set(EURO, undefined, app_later)
  expect(await service()).toMatchObject({ active: true, rate: 2_420_000n })
})

test('a list that was asked for earlier does not undo a later one', async () => {
  const { app, provider_id, offer, set, service } = await setup()
  await set(EURO)
  await importServices(app, offer)
  const early = importOf(provider_id, [offeredService('1', { rate: 9_000_000n })])
  const asked_at = new Date(Date.now() - 60_000)
  const outcome = await applyOffer(app, { provider_id, offer: early.offer, asked_at, create: 'none' })
  expect(outcome).toMatchObject({ applied: false, overtaken: true })
  expect(await service()).toMatchObject({ cost: 1_000_000n })
})

test('a jump, an unknown currency and the dollar are refused', async () => {
  const { app, set } = await setup()
  await set(EURO)
  await expect(set(EURO * 10n)).rejects.toMatchObject({ code: 'rate_jumps', status: 409, field: 'usd' })
  await expect(set(EURO / 10n)).rejects.toMatchObject({ code: 'rate_jumps' })
  await set(EURO * 10n, true)
  for (const asset of ['USD', 'XYZ']) {
    const wrong = setExchangeRate(app, { asset, usd_per_unit: EURO, source: 'ECB' })
    await expect(wrong).rejects.toMatchObject({ code: 'currency_unknown', status: 404 })
  }
})

test('a rate and an import at once: whoever is second prices by what the first left', async () => {
  const { app, db, offer, set, service } = await setup()
  await set(EURO)
  await atBarrier<unknown>(db, lockPrices, [() => set(1_200_000_000_000n), () => importServices(app, offer)])
  expect(await service()).toMatchObject({ cost_usd: 1_200_000n, rate: 1_320_000n })
})
