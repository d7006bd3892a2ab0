import { expect, test } from 'vitest'
import { claimed, expectSound, orderNow } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { attemptsOf, historyOf } from '../queries.ts'
import { sweepDispatches } from './sweep-dispatches.ts'

test('a dispatch whose lease is over is unknown, and is not queued again; one that is under way is left alone', async () => {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  const dead = await claimed(shop, customer)
  const alive = await claimed(shop, customer)
  await shop.app.db.query(`update orders.orders set claimed_until = now() - interval '1 second' where id = $1`, [
    dead.id,
  ])
  expect(await sweepDispatches(shop.app)).toBe(1)
  expect(await orderNow(shop, dead.id)).toMatchObject({ state: 'unknown', reason: 'interrupted', claimed_until: null })
  expect(await attemptsOf(shop.app.db, dead.id)).toMatchObject([{ state: 'unknown', code: 'interrupted' }])
  expect((await historyOf(shop.app.db, dead.id)).at(-1)).toMatchObject({ kind: 'unknown', from_state: 'dispatching' })
  expect((await orderNow(shop, alive.id)).state).toBe('dispatching')
  expect((await shop.wallet(customer)).held).toBe(dead.charge + alive.charge)
  expect(await sweepDispatches(shop.app)).toBe(0)
  await expectSound(shop.app)
})

test('six sweeps at once find it once', async () => {
  const shop = await openShop()
  const { id: customer } = await shop.customer()
  const dead = await claimed(shop, customer)
  await shop.app.db.query(`update orders.orders set claimed_until = now() - interval '1 second'`)
  await Promise.all(Array.from({ length: 6 }, () => sweepDispatches(shop.app)))
  expect((await historyOf(shop.app.db, dead.id)).map((step) => step.kind)).toEqual(['placed', 'sent', 'unknown'])
})
