import { expect, test } from 'vitest'
import type { Statement } from '#server/platform/db/database.ts'
import { actsIn } from '#test/support/acts.ts'
import { anOrder } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { placeOrders } from './place-orders.ts'

test('taking orders records no act and sends the audit no statement: it costs that path nothing', async () => {
  const shop = await openShop()
  const { id } = await shop.customer()
  const before = (await actsIn(shop.app.db)).length
  const sent: string[] = []
  const text = (sql: Statement | string) => (typeof sql === 'string' ? sql : sql.text)
  const { db } = shop.app
  const listened = {
    ...db,
    query: ((sql, values) => {
      sent.push(text(sql))
      return db.query(sql, values)
    }) as typeof db.query,
    transaction: ((work) =>
      db.transaction((tx) =>
        work({
          ...tx,
          query: (sql, values) => {
            sent.push(text(sql))
            return tx.query(sql, values)
          },
          send: (sql, values) => {
            sent.push(text(sql))
            tx.send(sql, values)
          },
        }),
      )) as typeof db.transaction,
  }
  const inputs = Array.from({ length: 20 }, () => anOrder(shop, id))
  const outcomes = await placeOrders({ ...shop.app, db: listened }, inputs)
  expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
  expect(sent.length).toBeGreaterThan(2)
  expect(sent.filter((sql) => sql.includes('audit.'))).toEqual([])
  expect(await actsIn(shop.app.db)).toHaveLength(before)
})
