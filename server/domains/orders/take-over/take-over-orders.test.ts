import { expect, test } from 'vitest'
import { verifyLedger } from '#server/domains/ledger/verify.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { testDatabase } from '#test/support/database.ts'
import { takenOrder } from '#test/support/taken-order.ts'
import { accountIds, costIn, openingIn, prepaidAt, walletOf } from '../accounts.ts'
import { verifyOrders } from '../verify-orders.ts'
import { takeOverBalances } from './take-over-balances.ts'
import { takeOverOrders } from './take-over-orders.ts'
import type { TakenOrder } from './taken-order.ts'

const order = (id: bigint, changes: Partial<TakenOrder> = {}): TakenOrder =>
  takenOrder({
    ...{ id, provider_order_id: `p${id}`, remains: 25n },
    status: ['completed', 'partial', 'cancelled', 'in progress'][Number(id) % 4] as string,
    ...changes,
  })

const ORDERS = Array.from({ length: 40 }, (_, i) => order(BigInt(i + 1)))

/** A database whose accounts are there, and a race of those who post to them. */
async function setup() {
  const { db } = await testDatabase()
  const names = [walletOf(1n, 'USD'), costIn('USD'), prepaidAt(3n, 'USD'), prepaidAt(4n, 'USD'), openingIn('USD')]
  await accountIds(db, names)
  const race = <T>(...work: (() => Promise<T>)[]) =>
    atBarrier(db, (tx) => tx.query('select 1 from ledger.balance for update'), work)
  return { db, race }
}

test('two who take over the same orders at once take each once', async () => {
  const { db, race } = await setup()
  const run = () => db.transaction((tx) => takeOverOrders(db, tx, 'panel', ORDERS))
  const fresh = (await race(run, run)).map((outcomes) => outcomes.filter((each) => each.ok && !each.was_there).length)
  expect(fresh.sort()).toEqual([0, 40])
  expect(await db.query('select 1 from orders.orders')).toHaveLength(40)
  expect((await verifyLedger(db)).problems).toEqual([])
  expect((await verifyOrders(db)).problems).toEqual([])
})

test('of two panels that number alike, one has the number, though they come at once', async () => {
  const { db, race } = await setup()
  const run = (source: string, provider_id: bigint) =>
    db.transaction((tx) => takeOverOrders(db, tx, source, [order(7n, { provider_id })]))
  const outcomes = (
    await race(
      () => run('one', 3n),
      () => run('other', 4n),
    )
  ).flat()
  expect(outcomes).toContainEqual({ ok: true, was_there: false, settled: false })
  expect(outcomes).toContainEqual({ ok: false, refusal: 'number_taken' })
  expect((await verifyOrders(db)).problems).toEqual([])
})

test('a balance is opened once, by two at once too, and never with two amounts', async () => {
  const { db, race } = await setup()
  const account = walletOf(1n, 'USD')
  const run = (amount: bigint) =>
    db.transaction((tx) => takeOverBalances(db, tx, 'panel', [{ account, amount, of: 'user:1' }]))
  const five = () => run(5n)
  const outcomes = (await race(five, five)).flat()
  expect(outcomes.map((each) => each.ok && each.was_there).sort()).toEqual([false, true])
  expect(await run(6n)).toEqual([{ ok: false, refusal: 'changed' }])
  const [balance] = await db.query(
    `select posted from ledger.balance join ledger.account_name on id = account where owner_kind = 'customer'`,
  )
  expect(balance).toEqual({ posted: 5n })
})
