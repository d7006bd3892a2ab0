import { expect, test } from 'vitest'
import { verifyBooks } from '#server/domains/orders/verify-books.ts'
import { openShop } from '#test/support/shop.ts'
import { watchProviders } from './watch-providers.ts'

test('a look at the providers tells how they stand, of one that is switched off that nothing is wrong, and a proof of the books that they are sound', async () => {
  const shop = await openShop()
  const { app } = shop
  const last = async () =>
    (
      await app.db.query<{ type: string; payload: object }>(
        'select type, payload from platform.outbox order by id desc limit 1',
      )
    )[0]
  await watchProviders(app)
  expect(await last()).toMatchObject({
    type: 'providers.watched',
    payload: { providers: [{ name: 'Panel', trouble: null }] },
  })
  await app.db.query(
    `update providers.provider set paused_until = now() + interval '1 minute', pause_reason = 'rate_limited'`,
  )
  await watchProviders(app)
  expect(await last()).toMatchObject({ payload: { providers: [{ trouble: 'rate_limited' }] } })
  await app.db.query('update providers.provider set enabled = false')
  await watchProviders(app)
  expect(await last()).toMatchObject({ payload: { providers: [{ name: 'Panel', trouble: null, balance: null }] } })
  await verifyBooks(app)
  expect(await last()).toMatchObject({ type: 'orders.books_verified', payload: { ok: true } })
  await app.db.query(
    `update ledger.balance set posted = posted + 1 where account = (select min(account) from ledger.balance)`,
  )
  await verifyBooks(app)
  expect(await last()).toMatchObject({ payload: { ok: false, problem: expect.stringContaining('ledger.') } })
})
