import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { terminal } from '#test/support/command.ts'
import { testDatabase } from '#test/support/database.ts'
import { openShop } from '#test/support/shop.ts'

async function setup() {
  const { url } = await testDatabase()
  const shop = await openShop({ url })
  const run = terminal(url, { SALDO_HOME: shop.app.config.home })
  const disable = async (ids: number[]) => {
    for (const id of ids) await shop.control.changeService(id, { disabled: true })
  }
  return { ...shop, run, disable, listed: (await shop.control.services()).map(({ service }) => service) }
}

test('prices are read anew from all providers that are switched on, and who did it is written down', async () => {
  const { app, run, control, services } = await setup()
  const [service] = services
  await control.changeService(Number(service?.provider_service_id), { rate: '77.00' })
  const changed = await run('refresh-prices')
  expect([changed.code, changed.err]).toEqual([0, ''])
  expect(changed.out).toMatch(/^\d+ {2}updated 1, unchanged \d+, no longer sold 0\n$/)
  expect((await actsIn(app.db)).at(-1)).toMatchObject({ action: 'services.refreshed', actor_kind: 'command' })
  expect((await run('refresh-prices')).out).toMatch(/ updated 0, /)
  await app.db.query('update providers.provider set enabled = false')
  expect(await run('refresh-prices')).toEqual({ code: 0, out: '', err: '' })
})

test('a list that half is gone of is not applied, unless someone has looked at it', async () => {
  const { app, run, provider_id, disable, listed } = await setup()
  await disable(listed.slice(1))
  const id = String(provider_id)
  const sold = async () => (await app.db.query('select from catalog.service where active')).length
  const before = await sold()
  const refused = await run('refresh-prices', id)
  expect(refused.code).toBe(1)
  expect(refused.out).toMatch(/not applied\. ./)
  expect(await sold()).toBe(before)
  expect((await run('refresh-prices', id, '--accept-shrunken', 'yes')).code).toBe(0)
  expect(await sold()).toBe(1)
})

test('an exchange rate is set with where it was read, and a jump wants to be confirmed', async () => {
  const { app, run } = await setup()
  const set = (usd: string, ...more: string[]) => run('exchange-rate', 'EUR', usd, '--source', 'ECB', ...more)
  expect(await set('1.0874')).toEqual({ code: 0, out: 'Services changed: 0\n', err: '' })
  const jump = await set('10.874')
  expect(jump.code).toBe(1)
  expect(jump.err).toContain('confirm')
  expect((await set('10.874', '--confirm', 'yes')).code).toBe(0)
  const rates = await app.db.query('select usd_per_unit, source from catalog.exchange_rate order by id')
  expect(rates).toEqual([
    { usd_per_unit: 1_087_400_000_000n, source: 'ECB' },
    { usd_per_unit: 10_874_000_000_000n, source: 'ECB' },
  ])
})

test.each([
  [['refresh-prices', 'x'], 'The provider must be a number'],
  [['refresh-prices', '--accept-shrunken', 'yes'], '--accept-shrunken is for one provider'],
  [['refresh-prices', '1', '--accept-shrunken', 'true'], '--accept-shrunken is yes or no'],
  [['exchange-rate', 'EUR', '0', '--source', 'ECB'], 'The worth is a decimal'],
  [['exchange-rate', 'EUR', '1.08'], '--source is missing'],
  [['exchange-rate', 'EUR', '1.08', '--source', 'ECB', '--confirm', 'ja'], '--confirm is yes or no'],
])('%j says what is wrong', async (line, words) => {
  const { url } = await testDatabase()
  const { code, out, err } = await terminal(url)(...line)
  expect([code === 0, out]).toEqual([false, ''])
  expect(err).toContain(words)
})
