import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { editService } from '#server/domains/catalog/edit-service.ts'
import { present } from '#server/kit/invariant.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import {
  acceptedAs,
  anOrder,
  asked,
  claim,
  dripFed,
  ended,
  expectSound,
  orderNow,
  told,
} from '#test/support/order-book.ts'
import { orderRow } from '#test/support/order-row.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import type { Asker } from '../asker.ts'
import { cancelAny } from '../cancelling/cancel-any.ts'
import { expireWaitingOrders } from '../desk/expire-waiting-orders.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { setLimits } from '../limits/set-limits.ts'
import type { Order, OrderState } from '../order.ts'
import { type PlaceOutcome, placeOrders } from '../placing/place-orders.ts'
import type { PlaceOrder } from '../placing/placement.ts'
import { historyOf } from '../queries.ts'
import { readStatuses } from '../read-statuses.ts'
import { verifyOrders } from '../verify-orders.ts'
import { cancelDripFeeds } from './cancel-drip-feeds.ts'
import { figuresOf } from './drip-feed.ts'
import { feedStatusView } from './feed-views.ts'
import { findDripFeeds, findFeedStandings } from './queries.ts'
import { queueDueRuns } from './queue-due-runs.ts'

const HOUR_MS = 3_600_000
const STAFF = { staff: { kind: 'user', user_id: 5n } } as const

async function setup(usd = '100') {
  const shop = await openShop()
  const customer = await shop.customer(usd)
  const service = dripFed(shop)
  /** Three runs, an hour apart. */
  const order = (changes: Partial<PlaceOrder> = {}) =>
    anOrder(shop, customer.id, { service_id: service.id, quantity: '100', runs: '3', interval: '60', ...changes })
  const place = async (changes: Partial<PlaceOrder> = {}) => {
    const [outcome] = await placeOrders(shop.app, [order(changes)])
    if (!outcome?.ok) throw new Error(outcome?.refusal.message)
    return outcome.order_id
  }
  /** The runs as they stand in the database. */
  const runs = async (id: bigint) => {
    const { runs: found } = present((await findDripFeeds(shop.app.db, customer.id, [id])).get(id), 'a drip-feed')
    return Promise.all(found.map((run) => orderNow(shop, run.id))) as Promise<[Order, Order, Order]>
  }
  const states = async (id: bigint) => (await runs(id)).map((run) => run.state)
  return { shop, app: shop.app, customer, service, order, place, runs, states }
}

async function cancelDripFeed(app: Shop['app'], id: bigint, by: Asker, tx?: Tx) {
  return (await cancelDripFeeds(app, [id], by, tx))[0]
}

/** The same house so much later. */
function later({ app }: Shop, ms: number) {
  return { ...app, clock: { ...app.clock, now: () => new Date(Date.now() + ms) } }
}

const codes = (outcomes: readonly PlaceOutcome[]) =>
  outcomes.map((outcome) => (outcome.ok ? (outcome.replayed ? 'again' : 'ok') : outcome.refusal.code))

test('each run is an order of its own, the money for all is held at once, and one key stands for all of it', async () => {
  const { shop, app, customer, service, order, runs } = await setup()
  const each = (service.rate * 100n + 999n) / 1000n
  const keyed = order({ request_key: 'k' })
  const outcomes = await placeOrders(app, [keyed, keyed, order({ runs: '0', interval: '' })])
  const [first] = outcomes
  if (!first?.ok) throw new Error(first?.refusal.code)
  const feed = first.order_id
  expect(outcomes.slice(0, 2)).toEqual([
    { ok: true, order_id: feed, charge: 3n * each, asset: 'USD', replayed: false },
    { ok: true, order_id: feed, charge: 3n * each, asset: 'USD', replayed: true },
  ])
  expect(await shop.wallet(customer.id)).toMatchObject({ held: 4n * each })
  const made = await runs(feed)
  expect(
    made.map(({ run, state, charge, quantity, request_key }) => [run, state, charge, quantity, request_key]),
  ).toEqual([
    [1, 'queued', each, 100n, null],
    [2, 'scheduled', each, 100n, null],
    [3, 'scheduled', each, 100n, null],
  ])
  expect(new Set([feed, ...made.map(({ id }) => id), outcomes[2]?.ok && outcomes[2].order_id]).size).toBe(5)
  const [now, soon, last] = made
  expect([now.not_before, now.waiting_since]).toEqual([null, expect.any(Date)])
  expect([soon.waiting_since, last.waiting_since]).toEqual([null, null])
  expect((last.not_before?.getTime() ?? 0) - (soon.not_before?.getTime() ?? 0)).toBe(HOUR_MS)
  expect(await historyOf(app.db, last.id)).toMatchObject([{ kind: 'placed', to_state: 'scheduled', version: 1n }])

  // Later, and in another form: the same request is the same, any other is another.
  const again = [keyed, { ...keyed, interval: '61' }, { ...keyed, runs: '2' }, { ...keyed, runs: '', interval: '' }]
  expect(codes(await placeOrders(app, again))).toEqual(['again', ...Array(3).fill('request_key_reused')])
  await expectSound(app)
  await app.db.query('update orders.orders set drip_feed_id = null, run = null where id = $1', [last.id])
  expect((await verifyOrders(app.db)).problems).toMatchObject([{ check: 'drip_feeds', order_id: feed }])
})

test('it is placed whole or not at all: for want of money, by the limits, or by the rule for links', async () => {
  const { shop, app, customer, service, order, place } = await setup('30')
  const nothing = await shop.wallet(customer.id)
  expect(codes(await placeOrders(app, [order({ quantity: '400' })]))).toEqual(['insufficient_funds'])
  const limit = { customer_id: customer.id, by: SYSTEM, reason: 'test' }
  await setLimits(app, { ...limit, in_flight_max: 2 })
  expect(await placeOrders(app, [order()])).toMatchObject([
    { refusal: { code: 'too_many_orders_in_flight', allowance: { limit: '2', left: '2' } } },
  ])
  expect(await shop.wallet(customer.id)).toEqual(nothing)
  expect(await app.db.query('select 1 from orders.drip_feed union all select 1 from orders.orders')).toEqual([])
  await place({ runs: '2' })
  expect(codes(await placeOrders(app, [order({ runs: '1' })]))).toEqual(['too_many_orders_in_flight'])
  await setLimits(app, { ...limit, in_flight_max: null })
  // Its own runs do not stand in each other's way; anybody else's order for the link does.
  await editService(app, { service_id: service.id, duplicate_links: 'refuse' })
  const link = 'https://example.com/sole'
  expect(codes(await placeOrders(app, [order({ link, runs: '2' }), order({ link, runs: '', interval: '' })]))).toEqual([
    'ok',
    'link_under_way',
  ])
  await expectSound(app)
})

test('a run is queued when its time has come, once, and waits no longer than others from then on', async () => {
  const { shop, app, place, runs, states } = await setup()
  const feed = await place()
  // What is to come is in no queue: only the first is claimed, and none of the others is given up for waiting.
  const [first] = (await claim(shop)).claimed
  expect(first?.run).toBe(1)
  await recordPlacements(app, [ended(first as Order, acceptedAs('p1', 1n))])
  expect(await queueDueRuns(app)).toBe(0)
  expect(await expireWaitingOrders(later(shop, 100 * HOUR_MS))).toBe(0)
  expect(await states(feed)).toEqual(['pending', 'scheduled', 'scheduled'])

  const both = [queueDueRuns(later(shop, 1.5 * HOUR_MS)), queueDueRuns(later(shop, 1.5 * HOUR_MS))]
  expect((await Promise.all(both)).reduce((all, n) => all + n)).toBe(1)
  expect(await states(feed)).toEqual(['pending', 'queued', 'scheduled'])
  const [, due] = await runs(feed)
  expect(Date.now() - (due.waiting_since?.getTime() ?? 0)).toBeLessThan(60_000)
  expect((await historyOf(app.db, due.id)).map(({ kind, to_state }) => [kind, to_state])).toEqual([
    ['placed', 'scheduled'],
    ['due', 'queued'],
  ])
  // A balance that was read before it was due says nothing about it.
  const poor = await claim(shop, { balance: { ...asked(0n), asked_at: new Date() }, budget: 0n })
  expect(poor).toMatchObject({ claimed: [], stopped: 0 })
  expect((await claim(shop)).claimed.map(({ run }) => run)).toEqual([2])
  await expectSound(app)
})

test('cancelled, what no provider has is given back to the unit, and what was sent goes on', async () => {
  const { shop, app, customer, place, runs, states } = await setup()
  const opening = await shop.wallet(customer.id)
  const feed = await place()
  const [sent] = (await claim(shop)).claimed as [Order]
  await recordPlacements(app, [ended(sent, acceptedAs('p1', 1n))])
  await queueDueRuns(later(shop, 1.5 * HOUR_MS))
  expect(await states(feed)).toEqual(['pending', 'queued', 'scheduled'])
  const stranger = await shop.customer()
  expect(await cancelDripFeed(app, feed, { customer_id: stranger.id })).toBeUndefined()
  expect(await cancelDripFeed(app, sent.id, STAFF)).toBeUndefined()

  // The customer and staff at the same moment: each run is given up by one of them.
  const raced = await atBarrier(
    app.db,
    (tx) => tx.query('select 1 from orders.drip_feed where id = $1 for update', [feed]),
    [() => cancelDripFeed(app, feed, { customer_id: customer.id }), () => cancelDripFeed(app, feed, STAFF)],
  )
  expect(raced.map((outcome) => outcome?.cancelled).sort()).toEqual([0, 2])
  expect(await states(feed)).toEqual(['pending', 'cancelled', 'cancelled'])
  expect(await shop.wallet(customer.id)).toEqual({ ...opening, held: sent.charge })
  expect((await claim(shop)).claimed).toEqual([])
  await recordStatuses(app, [{ order_id: sent.id, row: told('completed', { charge: 1n }) }])
  const { feed: row, runs: made } = present((await findDripFeeds(app.db, customer.id, [feed])).get(feed), 'it')
  expect(row.cancelled_at).toEqual(expect.any(Date))
  expect(figuresOf(made)).toEqual({
    status: 'Partial',
    charge: sent.charge,
    quantity: 300n,
    remains: 200n,
    start_count: null,
  })
  expect(await shop.wallet(customer.id)).toEqual({ posted: opening.posted - sent.charge, held: 0n })
  expect(await cancelDripFeed(app, feed, STAFF)).toEqual({ cancelled: 0 })
  expect((await runs(feed)).every(({ captured, released, charge }) => captured + released === charge)).toBe(true)
  await expectSound(app)
})

test('a run that is being claimed at that moment is sent, and a run that is being given up is not', async () => {
  const { shop, app, customer, place, states } = await setup()
  const feed = await place()
  // The claim has the first run: cancelling waits for it, and finds it gone.
  const raced = await atBarrier(
    app.db,
    (tx) =>
      tx.query(
        `update orders.orders set state = 'dispatching', claimed_until = now() where drip_feed_id = $1 and run = 1`,
        [feed],
      ),
    [() => cancelDripFeed(app, feed, { customer_id: customer.id })],
  )
  expect(raced).toEqual([{ cancelled: 2 }])
  expect(await states(feed)).toEqual(['dispatching', 'cancelled', 'cancelled'])

  const other = await place()
  const [locked, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const cancelling = app.db.transaction(async (tx) => {
    const outcome = await cancelDripFeed(app, other, { customer_id: customer.id }, tx)
    locked.resolve()
    await open.promise
    return outcome
  })
  await locked.promise
  expect((await claim(shop)).claimed).toEqual([])
  expect(await queueDueRuns(later(shop, 9 * HOUR_MS))).toBe(0)
  open.resolve()
  expect(await cancelling).toEqual({ cancelled: 3 })
  expect(await states(other)).toEqual(['cancelled', 'cancelled', 'cancelled'])
  expect(await actsIn(app.db, 'orders.drip_feed_cancelled')).toEqual([])
})

test('several are cancelled in one transaction, or in as many as their runs are too many for, and others’ are none', async () => {
  const { shop, app, customer, place, states } = await setup()
  const by = { customer_id: customer.id }
  const transactions = async (ids: bigint[]) =>
    (await app.db.query(`select distinct xmin from orders.drip_feed where id = any($1)`, [ids])).length
  const opening = await shop.wallet(customer.id)
  const few = [await place(), await place()]
  const stranger = await shop.customer()
  const ids = [few[1] ?? 0n, 999_999n, few[0] ?? 0n]
  expect(await cancelDripFeeds(app, ids, { customer_id: stranger.id })).toEqual([undefined, undefined, undefined])
  expect(await cancelAny(app, ids, by)).toMatchObject([{ ok: true }, { code: 'order_not_found' }, { ok: true }])
  expect(await transactions(few)).toBe(1)
  for (const feed of few) expect(new Set(await states(feed))).toEqual(new Set(['cancelled']))
  expect(await cancelAny(app, ids, by)).toMatchObject([
    { code: 'order_ended' },
    { code: 'order_not_found' },
    { code: 'order_ended' },
  ])

  const many = [await place(), await place()]
  await app.db.query('update orders.drip_feed set runs = 501 where id = any($1)', [many])
  expect(await cancelDripFeeds(app, many, STAFF)).toEqual([{ cancelled: 3 }, { cancelled: 3 }])
  expect(await transactions(many)).toBe(2)
  expect(await actsIn(app.db, 'orders.drip_feed_cancelled')).toHaveLength(2)
  await app.db.query('update orders.drip_feed set runs = 3')
  expect(await shop.wallet(customer.id)).toEqual(opening)
  await expectSound(app)
})

test('how they stand is added up where the runs lie, to the same figures as run by run', async () => {
  const { app, customer, place } = await setup()
  const feeds = [await place({ runs: '12' }), await place({ runs: '12' })]
  let rows = 0
  const counting = {
    query: async (...args: Parameters<typeof app.db.query>) => {
      const found = await app.db.query(...args)
      rows += found.length
      return found
    },
  } as Pick<typeof app.db, 'query'>
  expect((await readStatuses(counting, customer.id, feeds)).size).toBe(2)
  // Of each: it, and what is queued, and what is scheduled.
  expect(rows).toBe(6)

  // What a provider may say, in all states that it may say it of.
  await app.db.query(
    `update orders.orders set state = (array['pending', 'partial', 'in_progress', 'completed'])[run % 4 + 1], provider_order_id = id,
      waiting_since = null, captured = case when run % 4 in (1, 3) then charge / 2 else 0 end, released = case when run % 4 in (1, 3) then charge - charge / 2 else 0 end,
      start_count = run * 10, remains = (array[-5, null, 40, 1000])[run % 3 + 1], version = run,
      finished_at = case when run % 4 in (1, 3) then now() end, next_check_at = now()
    where drip_feed_id = $1`,
    [feeds[0]],
  )
  const standings = await findFeedStandings(app.db, customer.id, feeds)
  for (const [id, { feed, runs }] of await findDripFeeds(app.db, customer.id, feeds)) {
    const each = feedStatusView({ feed, parts: runs, orders: runs.map((run) => run.id) })
    expect(feedStatusView(present(standings.get(id), 'it'))).toEqual(each)
    expect(each.orders).toHaveLength(12)
  }
  expect(await findFeedStandings(app.db, customer.id + 1n, feeds)).toEqual(new Map())
})

test('what its runs come to', () => {
  const whole = (state: OrderState) =>
    orderRow({
      state,
      quantity: 10n,
      charge: 100n,
      captured: state === 'completed' ? 100n : state === 'partial' ? 40n : 0n,
    })
  const figures = (...states: OrderState[]) => {
    const { status, charge } = figuresOf(states.map(whole))
    return [status, charge]
  }
  expect(figures('queued', 'scheduled', 'failed', 'unknown', 'dispatching')).toEqual(['Pending', 500n])
  expect(figures('processing', 'processing')).toEqual(['Processing', 200n])
  expect(figures('completed', 'scheduled')).toEqual(['In progress', 200n])
  expect(figures('cancelled', 'queued')).toEqual(['In progress', 100n])
  expect(figures('partial', 'in_progress')).toEqual(['In progress', 140n])
  expect(figures('completed', 'completed')).toEqual(['Completed', 200n])
  expect(figures('cancelled', 'cancelled')).toEqual(['Canceled', 0n])
  expect(figures('partial', 'partial')).toEqual(['Partial', 80n])
  expect(figures('completed', 'cancelled')).toEqual(['Partial', 100n])
})
