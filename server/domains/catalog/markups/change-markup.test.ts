import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { importOf, insertProvider, offeredService, setupCatalog, storedServices, TENTH } from '#test/support/catalog.ts'
import { editService } from '../edit-service.ts'
import { importServices } from '../import-services.ts'
import { type MarkupRule, RATE_STEP } from '../markup.ts'
import { lockPrices, selectRevision } from '../queries.ts'
import { changeMarkup, planRepricing } from './change-markup.ts'
import type { MarkupScope } from './markup-rule.ts'

const percent = (of: bigint): MarkupRule => ({ percent_bp: of * 100n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP })
const staff = { kind: 'user', user_id: 7n } as const
const HOUSE: MarkupScope = { of: 'house' }

/** Two providers with the category Texts at each, at ten percent by the rule of each provider. */
async function setup() {
  const shop = await setupCatalog()
  const other = await insertProvider(shop.db, 'other')
  await importServices(shop.app, shop.input(offeredService('1'), offeredService('2', { category: 'Photos' })))
  await importServices(shop.app, importOf(other, [offeredService('3')]))
  const set = (scope: MarkupScope, rule: MarkupRule | null) => changeMarkup(shop.app, { scope, rule, by: staff })
  const rates = async () => {
    const rows = await shop.db.query<{ rate: bigint }>('select rate from catalog.service order by id')
    return rows.map(({ rate }) => Number(rate) / 10_000)
  }
  return { ...shop, other, set, rates }
}

test('the most specific rule decides: service, category, provider, house', async () => {
  const { set, rates, provider_id, other } = await setup()
  expect(await rates()).toEqual([110, 110, 110])
  await set({ of: 'provider', provider_id }, percent(20n))
  expect(await rates()).toEqual([120, 120, 110])
  await set({ of: 'category', category: 'Texts' }, percent(30n))
  expect(await rates()).toEqual([130, 120, 130])
  await set({ of: 'service', service_id: 1n }, percent(40n))
  expect(await rates()).toEqual([140, 120, 130])
  await set({ of: 'category', category: 'Texts' }, null)
  expect(await rates()).toEqual([140, 120, 110])
  await set(HOUSE, percent(50n))
  expect(await rates()).toEqual([140, 120, 110])
  await set({ of: 'provider', provider_id: other }, null)
  expect(await rates()).toEqual([140, 120, 150])
})

test('writes only what it changes, and repeated nothing at all', async () => {
  const { app, db, set, provider_id } = await setup()
  const before = await storedServices(db)
  const { changes } = await set({ of: 'category', category: 'Photos' }, percent(25n))
  expect(changes.map(({ after }) => after.provider_service_id)).toEqual(['2'])
  const after = await storedServices(db)
  expect([after.get('1'), after.get('3')]).toEqual([before.get('1'), before.get('3')])
  const revision = await selectRevision(db)
  expect((await set({ of: 'category', category: 'Photos' }, percent(25n))).changes).toEqual([])
  expect((await changeMarkup(app, { scope: { of: 'provider', provider_id }, rule: TENTH })).changes).toEqual([])
  expect(await storedServices(db)).toEqual(after)
  expect(await selectRevision(db)).toBe(revision)
})

test('is an act that tells who and why, and a line in the history of each service', async () => {
  const { app, db, provider_id } = await setup()
  const scope: MarkupScope = { of: 'provider', provider_id }
  await changeMarkup(app, { scope, rule: percent(20n), by: staff, reason: 'Campaign.' })
  await changeMarkup(app, { scope, rule: percent(20n), by: staff, reason: 'Campaign.' })
  expect(await actsIn(db, 'prices.markup_set')).toMatchObject([
    { subject_id: `provider:${provider_id}`, user_id: null },
    { user_id: null },
    {
      user_id: 7n,
      subject_id: `provider:${provider_id}`,
      before: { percent_bp: '1000' },
      after: { percent_bp: '2000' },
      reason: 'Campaign.',
    },
  ])
  const history = await db.query(
    `select service_id, cause, user_id, rate_before, rate from catalog.service_change order by id`,
  )
  expect(history).toMatchObject([
    { service_id: 1n, cause: 'import', user_id: null, rate_before: null, rate: 1_100_000n },
    { service_id: 2n, cause: 'import' },
    { service_id: 3n, cause: 'import' },
    { service_id: 1n, cause: 'markup', user_id: 7n, rate_before: 1_100_000n, rate: 1_200_000n },
    { service_id: 2n, cause: 'markup', user_id: 7n, rate_before: 1_100_000n, rate: 1_200_000n },
  ])
})

test('leaves a rate that staff set, and what stands behind it follows', async () => {
  const { app, set, rates, provider_id } = await setup()
  await editService(app, { service_id: 1n, rate: 5_000_000n })
  await set({ of: 'provider', provider_id }, percent(90n))
  expect(await rates()).toEqual([500, 190, 110])
  expect(await editService(app, { service_id: 1n, rate: null })).toMatchObject({ rate: 1_900_000n })
})

test('shows what it would change, and changes nothing', async () => {
  const { app, db, rates, set, provider_id } = await setup()
  const change = { scope: { of: 'provider', provider_id }, rule: percent(20n) } as const
  const before = await storedServices(db)
  const shown = await planRepricing(app, db, change)
  expect(await storedServices(db)).toEqual(before)
  expect(await actsIn(db, 'prices.markup_set')).toHaveLength(2)
  const done = await changeMarkup(app, { ...change, revision: shown.revision })
  expect(done).toEqual(shown)
  expect(await rates()).toEqual([120, 120, 110])
  const removal = await planRepricing(app, db, { scope: change.scope, rule: null })
  expect(removal.changes.map(({ after }) => after.rate)).toEqual([1_300_000n, 1_300_000n])
  expect((await set(change.scope, null)).changes).toEqual(removal.changes)
})

test('does nothing when the catalogue has moved since it was looked at', async () => {
  const { app, db, set, rates } = await setup()
  const { revision } = await planRepricing(app, db, { scope: HOUSE, rule: percent(5n) })
  await set({ of: 'category', category: 'Photos' }, percent(25n))
  const late = changeMarkup(app, { scope: { of: 'service', service_id: 1n }, rule: percent(5n), revision })
  await expect(late).rejects.toMatchObject({ code: 'catalogue_changed', status: 409 })
  expect(await rates()).toEqual([110, 125, 110])
})

test('refuses what names nothing, and keeps the rule of the house', async () => {
  const { db, set } = await setup()
  await expect(set({ of: 'service', service_id: 404n }, TENTH)).rejects.toMatchObject({ code: 'service_not_found' })
  await expect(set({ of: 'provider', provider_id: 404n }, TENTH)).rejects.toMatchObject({ code: 'provider_not_found' })
  await expect(set(HOUSE, null)).rejects.toMatchObject({ code: 'house_rule_stays' })
  await expect(db.query('delete from catalog.markup_rule')).rejects.toMatchObject({
    constraint: 'markup_rule_of_house',
  })
})

test('a category may have its rule before it has services', async () => {
  const { app, set, db, input } = await setup()
  expect((await set({ of: 'category', category: 'Music' }, percent(75n))).changes).toEqual([])
  await importServices(app, input(offeredService('9', { category: 'Music' })))
  expect((await storedServices(db)).get('9')).toMatchObject({ rate: 1_750_000n })
})

test('a rule, an import, an edit and another rule at once: none prices by what another has changed', async () => {
  const { app, db, provider_id, input } = await setup()
  const provider: MarkupScope = { of: 'provider', provider_id }
  const risen = { ...input(offeredService('1', { rate: 2_000_000n }), offeredService('2', { category: 'Photos' })) }
  for (let round = 1n; round <= 3n; round++) {
    await atBarrier<unknown>(db, lockPrices, [
      () => changeMarkup(app, { scope: provider, rule: percent(20n + round) }),
      () => importServices(app, { provider_id, offer: risen.offer, accept_shrunken: true }),
      () => changeMarkup(app, { scope: { of: 'category', category: 'Photos' }, rule: percent(30n + round) }),
      () => editService(app, { service_id: 3n, min: 10n + round }),
    ])
    const after = await storedServices(db)
    expect(after.get('1')).toMatchObject({ cost: 2_000_000n, rate: 20_000n * (120n + round) })
    expect(after.get('2')).toMatchObject({ rate: 10_000n * (130n + round) })
    expect(after.get('3')).toMatchObject({ rate: 1_100_000n, min: 10n + round })
  }
})
