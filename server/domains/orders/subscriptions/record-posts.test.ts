import { expect, test } from 'vitest'
import { atBarrier } from '#test/support/barrier.ts'
import { dispatched, expectSound, orderNow, told } from '#test/support/order-book.ts'
import { putSetting } from '#test/support/settings.ts'
import { openShop } from '#test/support/shop.ts'
import { postsOf, report, reporting, subscribed, subscriptionNow } from '#test/support/subscriptions.ts'
import type { ShownOrder } from '../events.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { dailySpendMax } from '../limits/customer-limit.ts'
import { netCharge, type Order, visibleRemains } from '../order.ts'
import { historyOf } from '../queries.ts'
import { readStandings } from './queries.ts'
import { reportPosts } from './report-posts.ts'

/** For each post, 20 pieces at 0.1105 with their cost of 0.085. */
const POST = 2_210_000n
const COST = 1_700_000n

/** A shop where nobody is asked by itself. */
async function setup(usd = '100') {
  const shop = await openShop({ provider: { enabled: false } })
  const customer = await shop.customer(usd)
  const wallet = () => shop.wallet(customer.id)
  const unbilled = () =>
    shop.app.db.query<{ provider_order_id: string; why: string; cost: bigint }>(
      'select provider_order_id, why, cost from orders.unbilled_post order by provider_order_id',
    )
  const wishes = async () =>
    (await shop.app.db.query<{ order_id: bigint }>('select order_id from orders.cancel_request order by id')).map(
      ({ order_id }) => order_id,
    )
  const stops = async () =>
    (
      await shop.app.db.query<{ payload: { subscriptions: { why: string; posts: number }[] } }>(
        `select payload from platform.outbox where type = 'orders.subscriptions_stopped' order by id`,
      )
    ).flatMap(({ payload }) => payload.subscriptions.map(({ why, posts }) => [why, posts]))
  return { shop, customer, wallet, unbilled, wishes, stops }
}

test('a subscription sets aside one post, costs nothing, and each post that is reported is an order of its own', async () => {
  const { shop, customer, wallet } = await setup()
  const before = await shop.prepaid()
  const order = await subscribed(shop, customer.id, { delay: '30', posts: '5', old_posts: '1', expiry: '31/12/2099' })
  expect(order).toMatchObject({ link: 'ada', quantity: 20n, charge: POST, booked_cost: 0n, state: 'pending' })
  expect(await wallet()).toMatchObject({ held: POST })
  expect(await shop.prepaid()).toBe(before)
  expect(await subscriptionNow(shop, order.id)).toMatchObject({
    ...{ min_quantity: 10n, max_quantity: 20n, delay_minutes: 30, posts: 5, old_posts: 1, expires_on: '2099-12-31' },
    ...{ posts_max: 6, posts_billed: 0, stop_reason: null, last_post_at: null },
  })
  await report(shop, order, ['a', { id: 'b', quantity: 12n }, { id: 'c', quantity: 9n }, { id: 'd', quantity: 21n }])
  const posts = await postsOf(shop, order.id)
  expect(
    posts.map(({ provider_order_id, post, quantity, charge, booked_cost }) => [
      ...[provider_order_id, post],
      ...[quantity, charge, booked_cost],
    ]),
  ).toEqual([
    ['a', 1, 20n, POST, COST],
    ['b', 2, 12n, 1_326_000n, 1_020_000n],
    ['c', 3, 20n, POST, COST],
    ['d', 4, 20n, POST, COST],
  ])
  expect(posts[0]).toMatchObject({ state: 'pending', attempts: 0, subscription_id: order.id, link: 'ada' })
  expect(await wallet()).toMatchObject({ held: 4n * POST + 1_326_000n })
  expect(await shop.prepaid()).toBe(before - 3n * COST - 1_020_000n)
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'in_progress', booked_cost: 0n, released: 0n })
  await expectSound(shop.app)

  // From here they are orders like any other.
  await recordStatuses(shop.app, [
    { order_id: posts[0]?.id ?? 0n, row: told('completed', { charge: 1_600_000n }) },
    { order_id: posts[1]?.id ?? 0n, row: told('partial', { remains: 6n, charge: 510_000n }) },
    { order_id: posts[2]?.id ?? 0n, row: told('cancelled', { charge: 0n }) },
  ])
  await report(shop, order, ['a', 'b', 'c', 'd'], 'cancelled')
  expect(await wallet()).toMatchObject({ held: POST, posted: 100_000_000n - POST - 663_000n })
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled', captured: 0n, released: POST })
  await expectSound(shop.app)
  // Each time a customer is told of one, they are told which it is.
  const events = await shop.app.db.query<{ payload: { orders: { order_id: string; shown?: ShownOrder }[] } }>(
    `select payload from platform.outbox where type in ('orders.placed', 'orders.settled') order by id`,
  )
  const shown = events.flatMap(({ payload }) => payload.orders.flatMap((each) => each.shown ?? []))
  const named = shown.filter((each) => each.subscription === String(order.id)).map((each) => each.post)
  expect(named.toSorted()).toEqual(['1', '1', '2', '2', '3', '3', '4'])
})

test('a subscription stands as its posts do together, each as its customer sees it', async () => {
  const { shop, customer } = await setup()
  const order = await subscribed(shop, customer.id)
  await report(shop, order, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  const before = await postsOf(shop, order.id)
  const rows = [
    told('completed', { remains: 3n }),
    told('partial', { remains: 6n }),
    told('cancelled', { remains: 20n }),
    // Over-delivered, and one that makes no sense: neither counts for the others.
    told('in_progress', { remains: -5n }),
    told('in_progress', { remains: 999n }),
    told('processing', { remains: 7n }),
  ]
  await recordStatuses(
    shop.app,
    rows.map((row, i) => ({ order_id: before[i]?.id ?? 0n, row })),
  )
  const posts = await postsOf(shop, order.id)
  const sum = (figure: (post: Order) => bigint) => posts.reduce((all, post) => all + figure(post), 0n)
  expect(new Set(posts.map(({ state }) => state)).size).toBe(6)
  expect((await readStandings(shop.app.db, [order.id])).get(order.id)).toMatchObject({
    orders: posts.map(({ id }) => id),
    charge: sum(netCharge),
    remains: sum(visibleRemains),
    version: sum(({ version }) => version),
  })
})

test('what is reported again, in another order, with fewer posts or twice in one row changes nothing', async () => {
  const { shop, customer, wallet } = await setup()
  const order = await subscribed(shop, customer.id)
  await report(shop, order, ['a', 'b'])
  const before = [await wallet(), (await orderNow(shop, order.id)).version]
  await report(shop, order, ['b', 'a'])
  await report(shop, order, ['a'])
  await report(shop, order, [])
  // Its own number among them is none of its posts.
  await report(shop, order, ['a', 'a', 'b', order.provider_order_id ?? ''])
  expect([await wallet(), (await orderNow(shop, order.id)).version]).toEqual(before)
  expect(await postsOf(shop, order.id)).toHaveLength(2)
  await expectSound(shop.app)
})

test('the post that the wallet does not hold is paid by what was set aside, and the subscription is stopped', async () => {
  const { shop, customer, wallet, wishes, unbilled, stops } = await setup('5')
  const order = await subscribed(shop, customer.id)
  // 5.00 hold the reserve and one post, and 0.58 are left.
  await report(shop, order, ['a'])
  expect(await wallet()).toMatchObject({ held: 2n * POST })
  await report(shop, order, ['a', 'b'])
  expect(await wallet()).toMatchObject({ held: 2n * POST })
  expect((await postsOf(shop, order.id)).map(({ hold }) => hold)).toHaveLength(2)
  const stopped = await orderNow(shop, order.id)
  expect(stopped).toMatchObject({ state: 'in_progress', released: POST, captured: 0n })
  expect(await subscriptionNow(shop, order.id)).toMatchObject({ stop_reason: 'no_funds', posts_billed: 2 })
  expect(await wishes()).toEqual([order.id])
  expect(await stops()).toEqual([['no_funds', 2]])
  const steps = await historyOf(shop.app.db, order.id)
  expect(steps.at(-1)).toMatchObject({ kind: 'subscription_stopped', data: { stopped: 'no_funds' } })
  await expectSound(shop.app)

  // Nobody covers the next one: the house bears its cost, and staff are told.
  const prepaid = await shop.prepaid()
  await report(shop, order, ['a', 'b', 'c'])
  expect(await unbilled()).toEqual([{ provider_order_id: 'c', why: 'no_funds', cost: COST }])
  expect(await reportPosts(shop.app.db)).toMatchObject([{ queue: 'posts', depth: 1, oldest_at: expect.any(Date) }])
  await shop.app.db.query(`update orders.unbilled_post set seen_at = seen_at - interval '25 hours'`)
  expect(await reportPosts(shop.app.db)).toMatchObject([{ depth: 0, oldest_at: null }])
  expect(await shop.prepaid()).toBe(prepaid - COST)
  expect(await orderNow(shop, order.id)).toMatchObject({
    ...{ reason: 'post_not_covered', booked_cost: COST, sunk_cost: COST },
    detail: 'The provider began c, which nobody pays us for.',
  })
  await report(shop, order, ['a', 'b', 'c'])
  expect(await shop.prepaid()).toBe(prepaid - COST)
  expect(await wallet()).toMatchObject({ held: 2n * POST })
  await expectSound(shop.app)

  await report(shop, order, ['a', 'b', 'c'], 'cancelled')
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'cancelled', reason: 'post_not_covered' })
  expect(await stops()).toHaveLength(1)
  await expectSound(shop.app)
})

test('never are more billed than were agreed on, be it what was asked for or the bound of the house', async () => {
  const { shop, customer, wallet, wishes, unbilled, stops } = await setup()
  const bounded = await subscribed(shop, customer.id, { posts: '2' })
  await report(shop, bounded, ['a', 'b'])
  // All have come: nothing is set aside any more, and its provider knows by itself.
  expect(await wallet()).toMatchObject({ held: 2n * POST })
  expect(await subscriptionNow(shop, bounded.id)).toMatchObject({ stop_reason: 'posts_reached' })
  expect(await wishes()).toEqual([])
  await report(shop, bounded, ['a', 'b', 'c', 'd'])
  expect(await unbilled()).toEqual([
    { provider_order_id: 'c', why: 'too_many', cost: COST },
    { provider_order_id: 'd', why: 'too_many', cost: COST },
  ])
  expect(await wishes()).toEqual([bounded.id])
  expect(await wallet()).toMatchObject({ held: 2n * POST })

  await putSetting(shop.app.db, { name: 'orders.subscription_posts_max' }, 3)
  await expect
    .poll(() => subscribed(shop, customer.id, { posts: '4' }).then(String, String))
    .toContain('posts: a subscription has 3')
  const free = await subscribed(shop, customer.id, { username: 'grace' })
  await report(shop, free, ['e', 'f', 'g', 'h'])
  expect(await postsOf(shop, free.id)).toHaveLength(3)
  expect(await subscriptionNow(shop, free.id)).toMatchObject({ stop_reason: 'too_many', posts_billed: 3 })
  expect(await wishes()).toEqual([bounded.id, free.id])
  expect(await stops()).toEqual([
    ['posts_reached', 2],
    ['too_many', 3],
  ])
  await expectSound(shop.app)
})

test('the last post that was agreed on may use what was set aside, and that is no lack of funds', async () => {
  const { shop, customer, wallet } = await setup('3')
  const order = await subscribed(shop, customer.id, { posts: '1' })
  await report(shop, order, ['a'], 'completed')
  expect(await wallet()).toMatchObject({ held: POST })
  expect(await subscriptionNow(shop, order.id)).toMatchObject({ stop_reason: 'posts_reached', standing: 'completed' })
  expect(await orderNow(shop, order.id)).toMatchObject({ state: 'completed', released: POST })
  await expectSound(shop.app)
})

test('a number that belongs to another order, or to another subscription, is flagged and billed once', async () => {
  const { shop, customer, wallet, unbilled } = await setup()
  const plain = await dispatched(shop, customer.id)
  const first = await subscribed(shop, customer.id)
  const second = await subscribed(shop, customer.id, { username: 'grace' })
  await recordStatuses(shop.app, [reporting(first, ['a']), reporting(second, ['a', plain.provider_order_id ?? ''])])
  expect(await postsOf(shop, first.id)).toHaveLength(1)
  expect(await postsOf(shop, second.id)).toEqual([])
  expect(await wallet()).toMatchObject({ held: plain.charge + 3n * POST })
  expect((await unbilled()).map(({ why, cost }) => [why, cost])).toEqual([
    ['another_order', 0n],
    ['another_order', 0n],
  ])
  const flagged = await orderNow(shop, second.id)
  expect(flagged).toMatchObject({ reason: 'post_of_another_order', booked_cost: 0n })
  // Told once.
  await report(shop, second, ['a', plain.provider_order_id ?? ''])
  expect((await orderNow(shop, second.id)).version).toBe(flagged.version)
  await expectSound(shop.app)
})

test('after its end posts are taken up within a day where the wallet covers them, and no longer', async () => {
  const { shop, customer, wallet, unbilled } = await setup('5')
  const order = await subscribed(shop, customer.id)
  await report(shop, order, [], 'cancelled')
  expect(await wallet()).toMatchObject({ held: 0n })
  const ended = await orderNow(shop, order.id)
  expect(ended).toMatchObject({ state: 'cancelled', released: POST })
  await report(shop, order, ['a', 'b', 'c'], 'cancelled')
  expect(await postsOf(shop, order.id)).toHaveLength(2)
  expect(await unbilled()).toMatchObject([{ provider_order_id: 'c', why: 'no_funds' }])
  expect(await subscriptionNow(shop, order.id)).toMatchObject({ stop_reason: null, posts_billed: 2 })
  const next_day = new Date(Date.now() + 86_500_000)
  await report(shop, order, ['a', 'b', 'c'], 'cancelled', next_day)
  expect(await orderNow(shop, order.id)).toMatchObject({ next_check_at: null, state: 'cancelled' })
  await report(shop, order, ['a', 'b', 'c', 'd'], 'cancelled')
  expect(await unbilled()).toHaveLength(1)
  await expectSound(shop.app)
})

test('posts count against the limits of their customer, and none is refused for them', async () => {
  const { shop, customer } = await setup()
  await putSetting(shop.app.db, dailySpendMax, '5.00')
  await expect.poll(() => shop.app.settings.read(dailySpendMax)).toBe(5_000_000n)
  const order = await subscribed(shop, customer.id)
  await report(shop, order, ['a', 'b', 'c'])
  expect(await postsOf(shop, order.id)).toHaveLength(3)
  const refused = await subscribed(shop, customer.id, { username: 'grace' }).then(String, String)
  expect(refused).toContain('for today 0.00 are left')
  await expectSound(shop.app)
  await report(shop, order, ['a', 'b', 'c'], 'cancelled')
  await expectSound(shop.app)
})

test('of two who are told of the same posts at once one takes them up', async () => {
  const { shop, customer, wallet } = await setup()
  const order = await subscribed(shop, customer.id)
  const hold = (tx: { query: (sql: string, values: unknown[]) => Promise<unknown> }) =>
    tx.query('select 1 from orders.orders where id = $1 for update', [order.id])
  await atBarrier(shop.app.db, hold, [
    () => report(shop, order, ['a', 'b']),
    () => report(shop, order, ['b', 'c']),
    () => report(shop, order, ['a']),
  ])
  expect((await postsOf(shop, order.id)).map(({ post }) => post)).toEqual([1, 2, 3])
  expect(await wallet()).toMatchObject({ held: 4n * POST })
  await expectSound(shop.app)
})

test('of two subscriptions that report one number at once one gets it', async () => {
  const { shop, customer, wallet, unbilled } = await setup()
  const [first, second] = [
    await subscribed(shop, customer.id),
    await subscribed(shop, customer.id, { username: 'grace' }),
  ]
  const hold = (tx: { query: (sql: string, values: unknown[]) => Promise<unknown> }) =>
    tx.query('select pg_advisory_xact_lock(7252045, hashtext($1::bigint || $2))', [shop.provider_id, ' a'])
  await atBarrier(shop.app.db, hold, [() => report(shop, first, ['a']), () => report(shop, second, ['a'])])
  const counts = [(await postsOf(shop, first.id)).length, (await postsOf(shop, second.id)).length]
  expect(counts.sort()).toEqual([0, 1])
  expect(await unbilled()).toMatchObject([{ why: 'another_order' }])
  expect(await reportPosts(shop.app.db)).toMatchObject([{ depth: 0 }])
  expect(await wallet()).toMatchObject({ held: 3n * POST })
  await expectSound(shop.app)
})

test('posts and other spending that meet in one wallet never take more than it has', async () => {
  const { shop, customer, wallet } = await setup('7')
  const order = await subscribed(shop, customer.id)
  const hold = (tx: { query: (sql: string, values: unknown[]) => Promise<unknown> }) =>
    tx.query('select 1 from ledger.account where id = $1 for update', [customer.wallet])
  await atBarrier(shop.app.db, hold, [
    () => report(shop, order, ['a', 'b', 'c']),
    () =>
      subscribed(shop, customer.id, { username: 'grace' }).then(
        () => {},
        () => {},
      ),
  ])
  const { posted, held } = await wallet()
  expect(posted - held >= 0n).toBe(true)
  await expectSound(shop.app)
})
