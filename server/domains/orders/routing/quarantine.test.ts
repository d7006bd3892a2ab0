import { expect, test } from 'vitest'
import { imposeQuarantine } from '#server/domains/catalog/sources/impose-quarantine.ts'
import { releaseQuarantine } from '#server/domains/catalog/sources/release-quarantine.ts'
import { ProviderNotFoundError } from '#server/domains/providers/errors.ts'
import type { PlaceOutcome, RejectionCode } from '#server/domains/providers/provider.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import {
  acceptedAs,
  cheapest,
  claim,
  ended,
  expectSound,
  orderNow,
  placed,
  TIMED_OUT,
} from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { addOtherProvider, asSource, changeOffer } from '#test/support/sources.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import type { Order } from '../order.ts'
import { measureSources } from './measure-sources.ts'
import { readProviderHealth } from './read-provider-health.ts'
import { type RerouteRounds, rerouteOrders } from './reroute-orders.ts'

const HOUR_MS = 3_600_000

const refusedWith = (code: RejectionCode): PlaceOutcome => ({ outcome: 'rejected', code, message: `It is ${code}.` })
const REFUSED = refusedWith('service_not_found')

async function setup() {
  const shop = await openShop()
  const service = cheapest(shop)
  const other = await addOtherProvider(shop)
  const { id: customer } = await shop.customer('1000')
  /** The house so many hours later. */
  const after = (hours: number) => {
    const clock = { ...shop.app.clock, now: () => new Date(Date.now() + hours * HOUR_MS) }
    return { ...shop.app, clock }
  }
  const claimedIn = async (app: typeof shop.app, provider_id = shop.provider_id, room = 1_000) =>
    (await claim({ ...shop, app }, { provider_id, room })).claimed
  const record = (order: Order, outcome: PlaceOutcome, app = shop.app) => recordPlacements(app, [ended(order, outcome)])
  const events = async () => {
    const rows = await shop.app.db.query<{ payload: { service_id: string; trouble: string | null } }>(
      `select payload from platform.outbox where type = 'catalog.source_watched' order by id`,
    )
    return rows.map(({ payload }) => payload)
  }
  return { shop, app: shop.app, service, other, customer, after, claimedIn, record, events, first: shop.provider_id }
}

test('five refusals in a row put a source in quarantine: its orders go elsewhere, and one tries it when its time is over', async () => {
  const { shop, app, service, other, customer, after, claimedIn, record, events, first } = await setup()
  await asSource(shop, other, service)
  // Neither the customer's input nor our balance nor a moment's trouble speaks against it, and what is accepted between ends the row.
  const orders = await placed(shop, customer, 14)
  const claims = await claimedIn(app)
  const harmless = ['bad_link', 'duplicate_link', 'insufficient_provider_balance', 'rate_limited', 'not_sent'] as const
  for (const [i, code] of harmless.entries()) await record(claims[i] as Order, refusedWith(code))
  for (const order of claims.slice(5, 9)) await record(order, REFUSED)
  await record(claims[9] as Order, acceptedAs('1'))
  for (const order of claims.slice(10, 14)) await record(order, REFUSED)
  expect(await events()).toEqual([])
  // The two that never left are queued again.
  const [fifth] = (await claimedIn(app, first, 1)) as [Order]
  const waiting = await placed(shop, customer, 2)
  await record(fifth, REFUSED)
  expect(await events()).toMatchObject([{ trouble: expect.stringContaining('5 times') }])
  expect(await actsIn(app.db, 'sources.quarantined')).toHaveLength(1)
  // Nothing goes there: what waits is bought elsewhere, what is new too.
  expect(await claimedIn(app)).toEqual([])
  expect(await rerouteOrders(app)).toBe(3)
  for (const { id } of waiting) expect((await orderNow(shop, id)).provider_id).toBe(other.provider_id)
  expect((await placed(shop, customer))[0]).toMatchObject({ provider_id: other.provider_id })
  expect(orders).toHaveLength(14)

  // Two hours later orders may go there again, and one goes ahead; of two workers one sends it.
  const then = after(2.1)
  await app.db.query(`update orders.orders set provider_id = $1 where state = 'queued'`, [first])
  const trials = (await Promise.all([claimedIn(then), claimedIn(then)])).flat()
  expect(trials).toHaveLength(1)
  expect(await claimedIn(then)).toEqual([])
  await record(trials[0] as Order, acceptedAs('2'), then)
  expect((await events()).at(-1)).toMatchObject({ trouble: null })
  expect((await claimedIn(then)).length).toBeGreaterThan(1)
  await expectSound(app)
})

test('a trial that is refused, or of which nobody knows, prolongs the quarantine; one that says nothing is followed by another', async () => {
  const { shop, app, service, customer, after, claimedIn, record, events } = await setup()
  await imposeQuarantine(app, { service_id: service.id, reason: 'We look into it.', hours: 1 })
  await placed(shop, customer, 5)
  expect(await claimedIn(app)).toEqual([])
  expect(await rerouteOrders(app)).toBe(0)
  let hours = 0
  for (const outcome of [REFUSED, TIMED_OUT]) {
    hours += 2.1
    const then = after(hours)
    const [trial] = (await claimedIn(then)) as [Order]
    await record(trial, outcome, then)
    expect(await claimedIn(then)).toEqual([])
    expect((await events()).at(-1)?.trouble).toContain('The trial failed')
  }
  hours += 2.1
  const [mute] = (await claimedIn(after(hours))) as [Order]
  await record(mute, refusedWith('bad_link'), after(hours))
  expect(await claimedIn(after(hours))).toEqual([])
  expect(await claimedIn(after(hours + 0.02))).toHaveLength(1)
})

test('a trial is not begun with an order that is not sent, and the one that fits goes before it', async () => {
  const { shop, app, service, customer, after, claimedIn } = await setup()
  await imposeQuarantine(app, { service_id: service.id, reason: 'We look into it.', hours: 1 })
  const [dear] = (await placed(shop, customer, 1, { quantity: String(service.min * 2n) })) as [Order]
  const [fits] = (await placed(shop, customer)) as [Order]
  const then = after(1.1)
  const claimWith = (budget: bigint) => claim({ ...shop, app: then }, { budget })
  expect((await claimWith(fits.expected_cost - 1n)).claimed).toEqual([])
  expect((await claimWith(fits.expected_cost)).claimed).toMatchObject([{ id: fits.id }])
  // One is enough, and while it is under way nothing of the source is touched.
  expect(await claimedIn(then)).toEqual([])
  await changeOffer(shop, service.id, `cost_usd = ${service.rate + 1n}`)
  expect(await claim({ ...shop, app: then })).toMatchObject({ claimed: [], stopped: 0 })
  expect(await orderNow(shop, dear.id)).toMatchObject({ state: 'queued', version: dear.version })
  await app.db.query('update catalog.quarantine set trial_until = null')
  expect(await claim({ ...shop, app: then })).toMatchObject({ claimed: [], stopped: 1 })
  expect(await app.db.query('select from catalog.quarantine where trial_until is not null')).toEqual([])
})

test('orders that fit nowhere else do not hide those behind them, nor are they looked at for ever', async () => {
  const { shop, app, first, other, service, customer } = await setup()
  const source = await asSource(shop, other, service)
  await changeOffer(shop, source.id, `offered_max = ${service.min}`)
  await placed(shop, customer, 200, { quantity: String(service.min + 1n) })
  const [behind, dear] = (await placed(shop, customer, 2)) as [Order, Order]
  await imposeQuarantine(app, { service_id: service.id, reason: 'We look into it.' })
  const rounds: RerouteRounds = new Map()
  const round = () => rerouteOrders(app, rounds, 1)
  // Sold for less than the other takes.
  await app.db.query('update orders.orders set rate = $2 where id = $1', [dear.id, dear.rate - 2n])
  await changeOffer(shop, source.id, `cost_usd = ${dear.rate - 1n}`)
  expect([await round(), rounds.size]).toEqual([0, 1])
  expect([await round(), rounds.size]).toEqual([1, 0])
  expect(await orderNow(shop, behind.id)).toMatchObject({ provider_id: other.provider_id })
  expect(await orderNow(shop, dear.id)).toMatchObject({ provider_id: first, version: dear.version })
  // The next round begins at the first again, and passes what has come to fit.
  await changeOffer(shop, source.id, `offered_max = ${service.max}`)
  expect([await round(), rounds.size]).toEqual([200, 1])
  expect([await round(), rounds.size]).toEqual([0, 0])
})

test('staff impose and release it by hand, and what was refused before counts no more', async () => {
  const { shop, app, service, customer, claimedIn, record, events } = await setup()
  await placed(shop, customer, 12)
  const claims = await claimedIn(app, undefined, 6)
  for (const order of claims.slice(0, 5)) await record(order, REFUSED)
  expect((await events()).length).toBe(1)
  // The house's own does not shorten what staff set.
  const by = { kind: 'user', user_id: 1n } as const
  expect(await imposeQuarantine(app, { service_id: service.id, reason: 'Longer.', hours: 100, by })).toBe(true)
  await record(claims[5] as Order, REFUSED)
  expect((await events()).map((each) => each.trouble)).toMatchObject([expect.stringContaining('5 times'), 'Longer.'])
  expect(await claimedIn(app)).toEqual([])
  expect(await releaseQuarantine(app, { service_id: service.id, by, reason: 'Mended.' })).toBe(true)
  expect(await releaseQuarantine(app, { service_id: service.id, by })).toBe(false)
  const [next] = (await claimedIn(app, undefined, 1)) as [Order]
  await record(next, REFUSED)
  expect((await events()).at(-1)?.trouble).toBeNull()
  expect(await actsIn(app.db, 'sources.released')).toMatchObject([{ user_id: 1n, reason: 'Mended.' }])
})

test('no customer alone brings a source into quarantine by orders that it refuses in words that nobody knows', async () => {
  const { shop, app, customer, claimedIn, record, events } = await setup()
  await placed(shop, customer, 8)
  for (const order of await claimedIn(app)) await record(order, refusedWith('other'))
  expect(await events()).toEqual([])
  const { id: another } = await shop.customer()
  await placed(shop, another)
  for (const order of await claimedIn(app)) await record(order, refusedWith('other'))
  expect(await events()).toMatchObject([{ trouble: expect.stringContaining('9 times') }])
})

test('an accepted trial does not end the quarantine that staff impose at the same moment', async () => {
  const { shop, app, service, customer, after, claimedIn, record } = await setup()
  await imposeQuarantine(app, { service_id: service.id, reason: 'We look into it.', hours: 1 })
  await placed(shop, customer, 2)
  const then = after(1.1)
  const [trial] = (await claimedIn(then)) as [Order]
  const by = { kind: 'user', user_id: 1n } as const
  const impose = { service_id: service.id, reason: 'Deliveries are bad.', hours: 10, by }
  await atBarrier<unknown>(
    app.db,
    (tx) => tx.query('select from catalog.service where id = $1 for update', [service.id]),
    [() => imposeQuarantine(then, impose), () => record(trial, acceptedAs('1'), then)],
  )
  expect(await claimedIn(then)).toEqual([])
  expect(await app.db.query('select reason, released_at from catalog.quarantine')).toEqual([
    { reason: impose.reason, released_at: null },
  ])
  expect(await releaseQuarantine(then, { service_id: service.id })).toBe(false)
  expect(await releaseQuarantine(then, { service_id: service.id, by })).toBe(true)
})

test('two who find at once that a source fails quarantine it once', async () => {
  const { shop, app, service, customer, claimedIn, record } = await setup()
  await placed(shop, customer, 6)
  const claims = await claimedIn(app)
  for (const order of claims.slice(0, 4)) await record(order, REFUSED)
  await atBarrier(
    app.db,
    (tx) => tx.query('select from catalog.service where id = $1 for update', [service.id]),
    claims.slice(4).map((order) => () => record(order, REFUSED)),
  )
  expect(await actsIn(app.db, 'sources.quarantined')).toHaveLength(1)
})

test('how sources did lately is measured, and the cheapest that does well goes before one that does not', async () => {
  const { shop, app, service, other, customer, claimedIn, record } = await setup()
  const source = await asSource(shop, other, service)
  await app.db.query(`update catalog.service set strategy = 'cheapest' where id = $1`, [service.id])
  await app.db.query('update catalog.service set cost_usd = cost_usd - 1 where id = $1', [source.id])
  const orders = await placed(shop, customer, 12)
  expect(orders.every((order) => order.provider_id === other.provider_id)).toBe(true)
  const outcomes = [acceptedAs('1'), REFUSED, acceptedAs('2'), TIMED_OUT, REFUSED, acceptedAs('3')]
  for (const [i, order] of (await claimedIn(app, other.provider_id)).entries()) {
    await record(order, outcomes[i] ?? (i % 2 === 0 ? refusedWith('bad_link') : acceptedAs(`n${i}`)))
  }
  await measureSources(app)
  const [health] = await app.db.query('select * from catalog.source_health where service_id = $1', [source.id])
  expect(health).toMatchObject({ accepted: 6, rejected: 2, unknown: 1, not_sent: 0, healthy: false })
  expect((health as { p95_ms: number }).p95_ms).toBeGreaterThanOrEqual((health as { median_ms: number }).median_ms)
  expect((await placed(shop, customer))[0]).toMatchObject({ provider_id: shop.provider_id })
  expect(await readProviderHealth(app, other.provider_id)).toMatchObject({
    ...{ services: 1, accepted: 6, rejected: 2, unknown: 1, not_sent: 0 },
  })
  expect(await readProviderHealth(app, shop.provider_id)).toMatchObject({ services: 0, accepted: 0, median_ms: null })
  await expect(readProviderHealth(app, 999n)).rejects.toThrow(ProviderNotFoundError)
  // Measured again without a change nothing is read anew.
  const revision = () => app.db.query('select value from catalog.revision')
  const before = await revision()
  await measureSources(app)
  expect(await revision()).toEqual(before)
})
