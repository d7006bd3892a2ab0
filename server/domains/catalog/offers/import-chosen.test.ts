import { describe, expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import { actsIn } from '#test/support/acts.ts'
import { atOnce, offeredService, setupCatalog, storedServices, TENTH } from '#test/support/catalog.ts'
import { applyOffer } from '../apply-offer.ts'
import { OfferNotFoundError, OfferOvertakenError } from '../errors.ts'
import { importServices } from '../import-services.ts'
import { selectRules } from '../markups/queries.ts'
import type { ChosenService } from './decide-chosen.ts'
import { IMPORT_CHOSEN_MAX, type ImportChosen, importChosen } from './import-chosen.ts'
import { findOffer, forgetOffers, keepOffer } from './kept-offer.ts'
import { readPlan } from './read-plan.ts'
import { selectImports } from './recorded-imports.ts'

const LIST = [
  offeredService('1'),
  offeredService('2', { category: 'Photos', rate: 2_000_000n }),
  offeredService('3', { type: undefined, raw_type: 'Poll' }),
  offeredService('4', { min: 500n, max: 10n }),
  offeredService('5', { rate: 10n ** 13n }),
  offeredService('a\0b', { name: 'NUL \0 and half \ud83d a pair' }),
]
const by = { kind: 'user', user_id: 7n } as const

async function setup() {
  const set = await setupCatalog()
  const { app, db, provider_id } = set
  const keep = (services = LIST, asked_at = new Date()) =>
    db.transaction((tx) =>
      keepOffer(tx, { provider_id, offer: { services, unreadable: 1 }, asked_at, user_id: by.user_id }),
    )
  const offer = await keep()
  const take = async (services: (ChosenService | string)[], more: Partial<ImportChosen> = {}) => {
    const chosen = services.map((each) => (typeof each === 'string' ? { provider_service_id: each } : each))
    return importChosen(app, { provider_id, offer_id: offer.id, services: chosen, by, ...more })
  }
  const plan = async (id = offer.id) => readPlan(app, await findOffer(db, { id, provider_id, now: new Date() }))
  return { ...set, keep, offer, take, plan }
}

const codes = ({ outcomes }: Awaited<ReturnType<typeof importChosen>>) =>
  outcomes.map((outcome) => (outcome.ok ? outcome.outcome : outcome.code))

test('takes what is chosen and nothing else, once however often it is asked, and writes down what was taken', async () => {
  const { app, db, provider_id, take } = await setup()
  expect(codes(await take(['2']))).toEqual(['created'])
  const services = await storedServices(db)
  expect([...services.keys()]).toEqual(['2'])
  expect(services.get('2')).toMatchObject({ category: 'Photos', cost_usd: 2_000_000n, active: true, staff_rate: null })
  expect(codes(await take(['2']))).toEqual(['unchanged'])
  expect(await storedServices(db)).toEqual(services)
  expect(await selectImports(db, { provider_id, before: AMOUNT_MAX, limit: 5 })).toMatchObject([
    { chosen: 1, created: 0, unchanged: 1, percent_bp: null },
    { chosen: 1, created: 1, unchanged: 0, user_id: 7n },
  ])
  expect(await actsIn(db, 'services.chosen')).toMatchObject([{ after: { created: 1 } }, { after: { unchanged: 1 } }])
  // A whole import stands in the same history.
  await importServices(app, { provider_id, markup: TENTH, offer: { services: LIST, unreadable: 0 } })
  expect(await selectImports(db, { provider_id, before: AMOUNT_MAX, limit: 1 })).toMatchObject([
    { chosen: null, created: 1, percent_bp: 1_000n },
  ])
})

test('sells a service in our category, at our rate, or by a rule of its own, and later refreshes respect it', async () => {
  const { app, db, provider_id, offer, take } = await setup()
  const markup = { percent_bp: 5_000n, fixed: 0n, minimum_margin: 700_000n, step: 10_000n }
  const priced = { provider_service_id: '1', category: 'Ours', rate: 1_234_500n }
  expect(codes(await take([priced, '2'], { markup, reason: 'Spring.' }))).toEqual(['created', 'created'])
  const of = async (id: string) => (await storedServices(db)).get(id)
  expect(await of('1')).toMatchObject({ category: 'Ours', rate: 1_234_500n, offered_rate: 1_700_000n })
  expect(await of('2')).toMatchObject({ category: 'Photos', rate: 3_000_000n })
  expect((await selectRules(db)).filter((rule) => rule.service_id !== null)).toHaveLength(2)
  expect(await actsIn(db, 'prices.markup_set')).toMatchObject([{ reason: 'Spring.', user_id: 7n }, {}])
  const services = [
    offeredService('1', { rate: 1_100_000n }),
    offeredService('2', { rate: 1_000_000n, category: 'Photos' }),
  ]
  const asked_at = new Date(offer.asked_at.getTime() + 1_000)
  await applyOffer(app, { provider_id, offer: { services, unreadable: 0 }, asked_at, create: 'none' })
  expect(await of('1')).toMatchObject({ category: 'Ours', rate: 1_234_500n, offered_rate: 1_800_000n })
  expect(await of('2')).toMatchObject({ rate: 1_700_000n })
})

test('brings a service that is there in line, and leaves those alone that were not chosen', async () => {
  const { app, db, provider_id, take, keep, plan } = await setup()
  const old = [offeredService('1', { rate: 500_000n }), offeredService('2'), offeredService('9')]
  const asked_at = new Date(Date.now() - 10_000)
  await importServices(app, { provider_id, markup: TENTH, offer: { services: old, unreadable: 0 }, asked_at })
  const before = await storedServices(db)
  const kinds = (await plan()).services.map(({ provider_service_id, kind }) => [provider_service_id, kind])
  expect(kinds).toEqual([
    ['1', 'changed'],
    ['2', 'changed'],
    ['3', 'unsellable'],
    ['4', 'unsellable'],
    ['5', 'unsellable'],
    ['9', 'vanished'],
  ])
  expect(codes(await take(['1']))).toEqual(['updated'])
  const after = await storedServices(db)
  expect(after.get('1')).toMatchObject({ cost: 1_000_000n, rate: 1_100_000n, version: 2n })
  for (const id of ['2', '9']) expect(after.get(id)).toEqual(before.get(id))
  const half = await keep(old.slice(0, 1))
  expect((await plan(half.id)).suspicion).toMatch(/^The list has 1 services/)
})

describe('outcome i answers service i', () => {
  test('and a refused one fails no other', async () => {
    const { db, take } = await setup()
    const low = { provider_service_id: '2', rate: 1_999_999n }
    const services = ['3', '4', '5', '6', 'a\0b', '1', '1', low]
    expect(codes(await take(services))).toEqual([
      'type_not_sold',
      'unreadable',
      'rate_out_of_range',
      'not_on_offer',
      'not_on_offer',
      'created',
      'chosen_twice',
      'rate_below_cost',
    ])
    expect([...(await storedServices(db)).keys()]).toEqual(['1'])
    await db.query(`update providers.provider set currency = 'RUB'`)
    expect(codes(await take(['2']))).toEqual(['no_exchange_rate'])
  })

  test('of two who choose the same at once, one creates it', async () => {
    const { db, provider_id, take } = await setup()
    const both = await atOnce(db, provider_id, [() => take(['1', '2']), () => take(['2', '1'])])
    expect(both.map(codes).sort()).toEqual([
      ['created', 'created'],
      ['unchanged', 'unchanged'],
    ])
  })
})

test('a list is chosen from for an hour, while it is among the latest and no newer one was applied', async () => {
  const { app, db, provider_id, keep, offer, take } = await setup()
  const found = async (id: bigint, now = new Date()) => (await findOffer(db, { id, provider_id, now })).services
  expect(await found(offer.id)).toEqual(LIST)
  await expect(found(offer.id, new Date(Date.now() + 3_600_000))).rejects.toThrow(OfferNotFoundError)
  await expect(take(['1'], { provider_id: provider_id + 1n })).rejects.toThrow()
  await applyOffer(app, { provider_id, offer: { services: LIST, unreadable: 0 }, asked_at: new Date(), create: 'none' })
  await expect(take(['1'])).rejects.toThrow(OfferOvertakenError)
  for (let i = 0; i < 5; i++) await keep(LIST.slice(0, 1))
  await expect(found(offer.id)).rejects.toThrow(OfferNotFoundError)
  await forgetOffers(db, new Date(Date.now() + 3_600_000))
  expect(await db.query('select id from catalog.offer')).toEqual([])
  await expect(take(Array.from({ length: IMPORT_CHOSEN_MAX + 1 }, String))).rejects.toThrow(InvariantError)
})
