import { describe, expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { countingStatements } from '#test/support/counting.ts'
import {
  acceptedAs,
  claim,
  claimed,
  dispatched,
  ended,
  expectSound,
  NOT_SENT,
  orderNow,
  placed,
  REFUSED,
  TIMED_OUT,
} from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import type { Order } from '../order.ts'
import { attemptsOf, historyOf } from '../queries.ts'
import { RECORD_PLACEMENTS_MAX, recordPlacements } from './record-placements.ts'
import { sweepDispatches } from './sweep-dispatches.ts'

async function setup() {
  const shop = await openShop()
  const { id } = await shop.customer()
  return { shop, app: shop.app, customer: id, opening: await shop.prepaid() }
}

const kinds = async (shop: Shop, id: bigint) => (await historyOf(shop.app.db, id)).map((step) => step.kind)

/** The lease of the order's claim ends, and the sweep comes by. */
async function sweepNow(shop: Shop, id: bigint): Promise<void> {
  await shop.app.db.query(`update orders.orders set claimed_until = now() - interval '1 second' where id = $1`, [id])
  expect(await sweepDispatches(shop.app)).toBe(1)
}

const lock = (id: bigint) => (tx: { query: Shop['app']['db']['query'] }) =>
  tx.query('select from orders.orders where id = $1 for update', [id])

test('an accepted order has its number, its first check, and its cost is booked on our balance with the provider', async () => {
  const { shop, customer, opening } = await setup()
  const order = await dispatched(shop, customer, acceptedAs('77'))
  expect(order).toMatchObject({
    state: 'pending',
    provider_order_id: '77',
    booked_cost: order.expected_cost,
    claimed_until: null,
    version: 3n,
  })
  expect(order.next_check_at).not.toBeNull()
  expect(await shop.prepaid()).toBe(opening - order.expected_cost)
  expect(await attemptsOf(shop.app.db, order.id)).toMatchObject([
    { state: 'accepted', provider_order_id: '77', code: null },
  ])
  await expectSound(shop.app)
})

test('the charge that comes with the acceptance is booked instead of the expected cost', async () => {
  const { shop, customer, opening } = await setup()
  expect((await dispatched(shop, customer, acceptedAs('77', 123n))).booked_cost).toBe(123n)
  expect((await dispatched(shop, customer, acceptedAs('78', 0n))).booked_cost).toBe(0n)
  expect(await shop.prepaid()).toBe(opening - 123n)
  await expectSound(shop.app)
})

test('a refused order fails, an unknown one waits, one that was not sent is queued again; each keeps its money held', async () => {
  const { shop, customer, opening } = await setup()
  const refused = await dispatched(shop, customer, REFUSED)
  const unknown = await dispatched(shop, customer, TIMED_OUT)
  const queued = await dispatched(shop, customer, NOT_SENT)
  expect(refused).toMatchObject({ state: 'failed', reason: 'bad_link', detail: 'Bad link', attempt: null })
  expect(unknown).toMatchObject({ state: 'unknown', reason: 'timeout', detail: 'no answer in time' })
  expect(queued).toMatchObject({ state: 'queued', reason: 'not_sent', attempt: null, attempts: 1 })
  const attempts = await Promise.all([refused, unknown, queued].map(({ id }) => attemptsOf(shop.app.db, id)))
  expect(attempts.flat().map(({ state, code }) => [state, code])).toEqual([
    ['rejected', 'bad_link'],
    ['unknown', 'timeout'],
    ['rejected', 'not_sent'],
  ])
  expect((await shop.wallet(customer)).held).toBe(refused.charge + unknown.charge + queued.charge)
  expect(await shop.prepaid()).toBe(opening)
  await expectSound(shop.app)
})

describe('batches', () => {
  test('an empty one does nothing, the longest takes as many statements as one order, a longer one is refused', async () => {
    const { shop, app } = await setup()
    const { id: customer } = await shop.customer('5000')
    await recordPlacements(app, [])
    await placed(shop, customer, RECORD_PLACEMENTS_MAX + 2)
    const { claimed: orders } = await claim(shop)
    const placements = orders.map((order) => ended(order, acceptedAs(`p${order.id}`)))
    const counting = countingStatements(app)
    await recordPlacements(counting.app, placements.slice(0, 1))
    const begin = counting.count()
    await recordPlacements(counting.app, placements.slice(1, 2))
    const one = counting.count() - begin
    await recordPlacements(counting.app, placements.slice(2))
    expect(counting.count() - begin - one).toBe(one)
    const [open] = await app.db.query<{ n: bigint }>(`select count(*) as n from orders.orders where state = 'pending'`)
    expect(open?.n).toBe(BigInt(orders.length))
    await expect(recordPlacements(app, placements)).rejects.toThrow(InvariantError)
    await expectSound(app)
  })

  test('the outcomes are mixed as they come', async () => {
    const { shop, app, customer } = await setup()
    await placed(shop, customer, 4)
    const { claimed: orders } = await claim(shop)
    const outcomes = [acceptedAs('1'), REFUSED, TIMED_OUT, NOT_SENT]
    await recordPlacements(
      app,
      orders.map((order, i) => ended(order, outcomes[i] as (typeof outcomes)[0])),
    )
    const states = await Promise.all(orders.map(async ({ id }) => (await orderNow(shop, id)).state))
    expect(states).toEqual(['pending', 'failed', 'unknown', 'queued'])
    await expectSound(app)
  })

  test('the same outcome twice, in one batch and later, counts once', async () => {
    const { shop, app, customer, opening } = await setup()
    const order = await claimed(shop, customer)
    const placement = ended(order, acceptedAs('77'))
    await recordPlacements(app, [placement, placement])
    await recordPlacements(app, [placement])
    const now = await orderNow(shop, order.id)
    expect(now).toMatchObject({ state: 'pending', version: 3n })
    expect(await shop.prepaid()).toBe(opening - order.expected_cost)
    await expectSound(app)
  })

  test('an order that nobody knows is passed over', async () => {
    const { shop, app, customer } = await setup()
    const order = await claimed(shop, customer)
    const stray = { order_id: 999_999n, key: order.attempt ?? '', outcome: REFUSED }
    await recordPlacements(app, [stray, ended(order, acceptedAs('77'))])
    expect((await orderNow(shop, order.id)).state).toBe('pending')
  })
})

describe('numbers', () => {
  test('a number that is already another order tells nothing: the order is unknown', async () => {
    const { shop, customer, opening } = await setup()
    const first = await dispatched(shop, customer, acceptedAs('77'))
    const second = await dispatched(shop, customer, acceptedAs('77'))
    expect(second).toMatchObject({ state: 'unknown', reason: 'unreadable_answer', provider_order_id: null })
    expect(await shop.prepaid()).toBe(opening - first.expected_cost)
    await expectSound(shop.app)
  })

  test('of two orders that get one number in a batch, or at the same time, one has it and the other is unknown', async () => {
    const { shop, app, customer } = await setup()
    await placed(shop, customer, 4)
    const [a, b, c, d] = (await claim(shop)).claimed as [Order, Order, Order, Order]
    await recordPlacements(app, [ended(a, acceptedAs('77')), ended(b, acceptedAs('77'))])
    await atBarrier(app.db, (tx) => tx.query('lock table orders.attempt in share mode'), [
      () => recordPlacements(app, [ended(c, acceptedAs('78'))]),
      () => recordPlacements(app, [ended(d, acceptedAs('78'))]),
    ])
    const states = await Promise.all([a, b, c, d].map(async ({ id }) => (await orderNow(shop, id)).state))
    expect(states.slice(0, 2)).toEqual(['pending', 'unknown'])
    expect(states.slice(2).sort()).toEqual(['pending', 'unknown'])
    await expectSound(app)
  })
})

describe('late answers', () => {
  test('an answer that comes after the sweep is still the answer', async () => {
    const { shop, app, customer } = await setup()
    const outcomes = [acceptedAs('77'), REFUSED, TIMED_OUT, NOT_SENT]
    const orders: Order[] = []
    for (const outcome of outcomes) {
      const order = await claimed(shop, customer)
      await sweepNow(shop, order.id)
      expect(await orderNow(shop, order.id)).toMatchObject({ state: 'unknown', reason: 'interrupted' })
      await recordPlacements(app, [ended(order, outcome)])
      orders.push(await orderNow(shop, order.id))
    }
    expect(orders.map((order) => order.state)).toEqual(['pending', 'failed', 'unknown', 'queued'])
    expect(await kinds(shop, orders[2]?.id as bigint)).toEqual(['placed', 'sent', 'unknown'])
    await expectSound(app)
  })

  test('an answer under another attempt than the current one changes nothing', async () => {
    const { shop, app, customer } = await setup()
    const first = await claimed(shop, customer)
    await recordPlacements(app, [ended(first, NOT_SENT)])
    const [second] = (await claim(shop)).claimed as [Order]
    for (const outcome of [REFUSED, TIMED_OUT, NOT_SENT]) await recordPlacements(app, [ended(first, outcome)])
    expect(await orderNow(shop, first.id)).toMatchObject({
      state: 'dispatching',
      attempt: second.attempt,
      version: second.version + 1n,
    })
    await expectSound(app)
  })

  test('an order that was sent again, and then turns out to be placed twice, is paid twice in our books', async () => {
    const { shop, app, customer, opening } = await setup()
    const first = await claimed(shop, customer)
    await sweepNow(shop, first.id)
    await resolveOrder(app, first.id, { kind: 'resend' }, { kind: 'user', user_id: 1n })
    const [second] = (await claim(shop)).claimed as [Order]
    const late = ended(first, acceptedAs('77', 5n))
    // Told twice, and together with the answer of the other attempt.
    await recordPlacements(app, [late, ended(second, acceptedAs('78', 7n)), late])
    expect(await orderNow(shop, first.id)).toMatchObject({
      state: 'pending',
      provider_order_id: '78',
      booked_cost: 12n,
      sunk_cost: 5n,
    })
    expect(await shop.prepaid()).toBe(opening - 12n)
    expect(await attemptsOf(app.db, first.id)).toMatchObject([
      { state: 'accepted', provider_order_id: '77' },
      { state: 'accepted', provider_order_id: '78' },
    ])
    const flagged = (await historyOf(app.db, first.id)).find((step) => step.kind === 'flagged')
    expect(flagged?.data).toMatchObject({ reason: 'accepted_after_given_up', provider_order_id: '77', cost: '5' })
    await expectSound(app)
  })

  test('an order that was refunded, and then turns out to be placed, stays refunded; its cost is booked', async () => {
    const { shop, app, customer, opening } = await setup()
    const order = await claimed(shop, customer)
    await sweepNow(shop, order.id)
    await resolveOrder(app, order.id, { kind: 'refund' }, { kind: 'user', user_id: 1n })
    await recordPlacements(app, [ended(order, acceptedAs('77'))])
    expect(await orderNow(shop, order.id)).toMatchObject({
      state: 'cancelled',
      booked_cost: order.expected_cost,
      captured: 0n,
    })
    expect((await shop.wallet(customer)).held).toBe(0n)
    expect(await shop.prepaid()).toBe(opening - order.expected_cost)
    await expectSound(app)
  })

  test('an order that a person found at the provider, and whose answer comes then, is paid once', async () => {
    const { shop, app, customer, opening } = await setup()
    const order = await claimed(shop, customer)
    await sweepNow(shop, order.id)
    await resolveOrder(app, order.id, { kind: 'placed', provider_order_id: '77' }, { kind: 'user', user_id: 1n })
    await recordPlacements(app, [ended(order, acceptedAs('77'))])
    expect(await shop.prepaid()).toBe(opening - order.expected_cost)
    await expectSound(app)
  })
})

describe('two numbers under one key', () => {
  test('the provider took it twice: the first is followed, the second is flagged and paid once, however often it is told', async () => {
    const { shop, app, customer, opening } = await setup()
    const order = await dispatched(shop, customer, acceptedAs('77', 5n))
    const second = ended(order, acceptedAs('78', 7n))
    await recordPlacements(app, [second, second])
    await recordPlacements(app, [second])
    await recordPlacements(app, [ended(order, acceptedAs('77', 5n))])
    expect(await orderNow(shop, order.id)).toMatchObject({
      state: 'pending',
      provider_order_id: '77',
      booked_cost: 12n,
      sunk_cost: 7n,
      version: order.version + 1n,
    })
    expect(await shop.prepaid()).toBe(opening - 12n)
    expect(await attemptsOf(app.db, order.id)).toMatchObject([{ state: 'accepted', provider_order_id: '77' }])
    const flagged = (await historyOf(app.db, order.id)).filter((step) => step.kind === 'flagged')
    expect(flagged).toMatchObject([
      { data: { reason: 'accepted_twice', attempt_key: order.attempt, provider_order_id: '78', cost: '7' } },
    ])
    await recordPlacements(app, [ended(order, acceptedAs('79', 1n))])
    expect(await shop.prepaid()).toBe(opening - 13n)
    await expectSound(app)
  })

  test('a number that is another order is flagged, and nothing is paid for it', async () => {
    const { shop, app, customer, opening } = await setup()
    const order = await dispatched(shop, customer, acceptedAs('77', 5n))
    await dispatched(shop, customer, acceptedAs('78', 7n))
    await recordPlacements(app, [ended(order, acceptedAs('78', 7n))])
    expect(await orderNow(shop, order.id)).toMatchObject({ provider_order_id: '77', booked_cost: 5n })
    const flagged = (await historyOf(app.db, order.id)).find((step) => step.kind === 'flagged')
    expect(flagged?.data).toMatchObject({ reason: 'accepted_twice', provider_order_id: '78', cost: '0' })
    expect(await shop.prepaid()).toBe(opening - 12n)
    await expectSound(app)
  })

  test('told by four at once, the second is paid once', async () => {
    const { shop, app, customer, opening } = await setup()
    const order = await dispatched(shop, customer, acceptedAs('77', 5n))
    const second = ended(order, acceptedAs('78', 7n))
    await atBarrier(
      app.db,
      lock(order.id),
      Array.from({ length: 4 }, () => () => recordPlacements(app, [second])),
    )
    expect(await shop.prepaid()).toBe(opening - 12n)
    expect((await kinds(shop, order.id)).filter((kind) => kind === 'flagged')).toHaveLength(1)
    await expectSound(app)
  })
})

describe('races', () => {
  test('six who record one acceptance book its cost once', async () => {
    const { shop, app, customer, opening } = await setup()
    const order = await claimed(shop, customer)
    const placement = ended(order, acceptedAs('77'))
    await atBarrier(
      app.db,
      lock(order.id),
      Array.from({ length: 6 }, () => () => recordPlacements(app, [placement])),
    )
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', version: 3n })
    expect(await shop.prepaid()).toBe(opening - order.expected_cost)
    await expectSound(app)
  })

  test('an answer and a sweep at once: the answer stands', async () => {
    const { shop, app, customer } = await setup()
    const order = await claimed(shop, customer)
    await app.db.query(`update orders.orders set claimed_until = now() - interval '1 second'`)
    await atBarrier<unknown>(app.db, lock(order.id), [
      () => sweepDispatches(app),
      () => recordPlacements(app, [ended(order, acceptedAs('77'))]),
    ])
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', provider_order_id: '77' })
    await expectSound(app)
  })

  test('an answer and a refund at once: the money goes one way, and the cost is booked either way', async () => {
    const { shop, app, customer, opening } = await setup()
    const order = await claimed(shop, customer)
    await sweepNow(shop, order.id)
    await atBarrier<unknown>(app.db, lock(order.id), [
      () => resolveOrder(app, order.id, { kind: 'refund' }, { kind: 'user', user_id: 1n }),
      () => recordPlacements(app, [ended(order, acceptedAs('77'))]),
    ])
    const now = await orderNow(shop, order.id)
    expect(['pending', 'cancelled']).toContain(now.state)
    expect((await shop.wallet(customer)).held).toBe(now.state === 'pending' ? order.charge : 0n)
    expect(await shop.prepaid()).toBe(opening - order.expected_cost)
    await expectSound(app)
  })

  test('two batches over the same orders in opposite order both end', async () => {
    const { shop, app, customer } = await setup()
    await placed(shop, customer, 20)
    const { claimed: orders } = await claim(shop)
    const placements = orders.map((order) => ended(order, acceptedAs(`p${order.id}`)))
    await atBarrier(app.db, lock((orders[0] as Order).id), [
      () => recordPlacements(app, placements),
      () => recordPlacements(app, placements.toReversed()),
    ])
    await expectSound(app)
  })
})
