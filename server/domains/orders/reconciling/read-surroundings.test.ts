import { expect, test } from 'vitest'
import { acceptedAs, dispatched, TIMED_OUT } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { recordPlacements } from '../dispatching/record-placements.ts'
import { claimCases } from './claim-cases.ts'
import { readClaimed, readSurroundings } from './read-surroundings.ts'

/** Two attempts with one provider for the same link, the fate of both unknown; the case of the first is read. Its balances were read an hour ago and just now. */
async function setup() {
  const shop = await openShop()
  const { app } = shop
  const { id: customer } = await shop.customer()
  const mine = await dispatched(shop, customer, TIMED_OUT)
  const other = await dispatched(shop, customer, TIMED_OUT)
  await app.db.query('update orders.orders set link = $1', [mine.link])
  await claimCases(app.db)
  await app.db.query(
    `update orders.attempt set provider_balance = 1, provider_balance_at = now() - interval '1 hour',
      started_at = now() - interval '1 hour', ended_at = now() - interval '1 hour' where key = $1`,
    [mine.attempt],
  )
  await app.db.query('update orders.unknown_case set balance_after = 1, balance_after_at = now() where attempt = $1', [
    mine.attempt,
  ])
  const lasting = (began: string, ended: string | null) =>
    app.db.query(
      `update orders.attempt set started_at = now() - $2::interval, ended_at = now() - $3::interval,
        state = case when $3::interval is null then 'sent' else 'unknown' end where key = $1`,
      [other.attempt, began, ended],
    )
  const around = async () => (await readSurroundings(app.db, [mine.attempt as string])).get(mine.attempt as string)
  return { shop, app, mine, other, lasting, around }
}

test.each<[string, string, string | null, number]>([
  ['was under way all the time', '23 hours', '1 minute', 1],
  ['is under way still', '23 hours', null, 1],
  ['ended while it was', '23 hours', '50 minutes', 1],
  ['began and ended within', '59 minutes', '58 minutes', 1],
  ['ended long before', '23 hours', '22 hours', 0],
])(
  'another attempt that %s is a rival, and is among those between the balances, by its time',
  async (_, began, ended, n) => {
    const { lasting, around } = await setup()
    await lasting(began, ended)
    expect(await around()).toMatchObject({ rivals: n, others: n, undecided: n })
  },
)

test('another attempt that began only long after it is no rival, though its cost is between the balances', async () => {
  const { lasting, around } = await setup()
  await lasting('10 minutes', '5 minutes')
  expect(await around()).toMatchObject({ rivals: 0, others: 1 })
})

test('the number under which a long attempt was accepted is known, though its order has another by now', async () => {
  const { shop, app, other } = await setup()
  await recordPlacements(app, [{ order_id: other.id, key: other.attempt as string, outcome: acceptedAs('88') }])
  await app.db.query(`update orders.orders set provider_order_id = '99' where id = $1`, [other.id])
  await app.db.query(`update orders.attempt set started_at = now() - interval '23 hours' where key = $1`, [
    other.attempt,
  ])
  const since = new Date(Date.now() - 3_600_000)
  expect(await readClaimed(app.db, shop.provider_id, ['88', '77'], since)).toEqual(new Set(['88']))
})
