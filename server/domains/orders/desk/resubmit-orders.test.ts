import { describe, expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { formatAmount } from '#server/kit/money.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { claim, dispatched, expectSound, orderNow, REFUSED, TIMED_OUT } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { historyOf } from '../queries.ts'
import { RESUBMIT_ORDERS_MAX, resubmitOrders } from './resubmit-orders.ts'

async function setup(failed = 1) {
  const shop = await openShop({ provider: { timeout_ms: 1_000 } })
  const { id: customer } = await shop.customer()
  const orders = []
  for (let i = 0; i < failed; i++) orders.push(await dispatched(shop, customer, REFUSED))
  const resubmit = (ids: readonly bigint[]) =>
    resubmitOrders(shop.app, shop.providers, ids, { kind: 'user', user_id: 5n })
  return { shop, app: shop.app, customer, orders, ids: orders.map(({ id }) => id), resubmit }
}

test('a failed order is queued again, counted, and told by whom', async () => {
  const { shop, app, ids, resubmit } = await setup()
  const [id] = ids as [bigint]
  expect(await resubmit(ids)).toEqual([{ ok: true }])
  expect(await orderNow(shop, id)).toMatchObject({ state: 'queued', resubmits: 1, attempt: null, reason: null })
  expect((await historyOf(app.db, id)).at(-1)).toMatchObject({ kind: 'resubmitted', actor: 'staff:5' })
  expect(await actsIn(app.db, 'orders.')).toMatchObject([
    {
      action: 'orders.resubmitted',
      user_id: 5n,
      subject_id: String(id),
      before: { state: 'failed' },
      after: { state: 'queued' },
    },
  ])
  expect((await claim(shop)).claimed.map((order) => order.id)).toEqual(ids)
  await expectSound(app)
})

test('outcome i answers id i: not known, not failed, twice in one call', async () => {
  const { shop, customer, ids, resubmit } = await setup()
  const [id] = ids as [bigint]
  const unknown = await dispatched(shop, customer, TIMED_OUT)
  const outcomes = await resubmit([999_999n, id, unknown.id, id])
  expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.code))).toEqual([
    'order_not_found',
    'ok',
    'order_not_failed',
    'order_not_failed',
  ])
  expect((await orderNow(shop, unknown.id)).state).toBe('unknown')
  expect(await resubmit([])).toEqual([])
  await expect(resubmit(Array.from({ length: RESUBMIT_ORDERS_MAX + 1 }, () => id))).rejects.toThrow(InvariantError)
})

describe('the balance is asked first', () => {
  test('and runs down over the orders; what it does not cover stays failed, with the balance told', async () => {
    const { shop, orders, ids, resubmit } = await setup(3)
    const cost = orders[0]?.expected_cost as bigint
    await shop.control.setBalance(formatAmount(2n * cost + 1n, 6))
    const outcomes = await resubmit(ids)
    expect(outcomes.slice(0, 2)).toEqual([{ ok: true }, { ok: true }])
    expect(outcomes[2]).toMatchObject({ code: 'insufficient_provider_balance', balance: 2n * cost + 1n })
    expect((await orderNow(shop, ids[2] as bigint)).state).toBe('failed')
  })

  test('and a provider that cannot be asked is not one without balance', async () => {
    const { shop, ids, resubmit } = await setup()
    await shop.control.setFaults({ html: 1 })
    expect(await resubmit(ids)).toMatchObject([{ ok: false, code: 'balance_unavailable' }])
    expect(await orderNow(shop, ids[0] as bigint)).toMatchObject({ state: 'failed', resubmits: 0 })
  })
})

test('two clicks at once queue it once', async () => {
  const { shop, app, ids, resubmit } = await setup(2)
  const outcomes = await atBarrier(
    app.db,
    (tx) => tx.query('select from orders.orders where id = any($1::bigint[]) for update', [ids]),
    Array.from({ length: 4 }, (_, i) => () => resubmit(i % 2 ? ids : ids.toReversed())),
  )
  expect(outcomes.flat().filter((outcome) => outcome.ok)).toHaveLength(2)
  for (const id of ids) expect(await orderNow(shop, id)).toMatchObject({ state: 'queued', resubmits: 1 })
  await expectSound(app)
})
