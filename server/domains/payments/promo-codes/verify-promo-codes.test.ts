import { describe, expect, test } from 'vitest'
import type { Db } from '#server/platform/db/database.ts'
import { CREDIT, DEPOSIT, DISCOUNT, openPromoHouse } from '#test/support/promo-codes.ts'
import { verifyDeposits } from '../deposits/verify-deposits.ts'
import { verifyPromoCodes } from './verify-promo-codes.ts'

describe('the proof finds', () => {
  test.each([
    ['a count that is not true', 'update payments.promo_code set redemptions = 5 where id = $1', 'were counted'],
    ['another amount than was promised', 'update payments.promo_code set amount = 1 where id = $1', 'was promised'],
    [
      'another amount than was moved',
      'update ledger.transfer set amount = 1 where id in (select movement from payments.promo_redemption where code_id = $1)',
      'was moved',
    ],
    [
      'money for somebody else',
      'update payments.promo_redemption set customer_id = customer_id + 1 where code_id = $1',
      'wallet of its customer',
    ],
    [
      'a movement that is not there',
      'update payments.promo_redemption set movement = 1 where code_id = $1',
      'is not there',
    ],
  ])('%s', async (_, sql, what) => {
    const { app, make, customer, sound } = await openPromoHouse()
    const { id, code } = await make(CREDIT)
    await (await customer()).redeem(code)
    await customer()
    await sound()
    await broken(app.db, sql, [id])
    const { problems } = await verifyPromoCodes(app.db)
    expect(problems).toContainEqual(expect.objectContaining({ code_id: id, what: expect.stringContaining(what) }))
  })

  test('a movement that nobody redeemed', async () => {
    const { app, make, customer } = await openPromoHouse()
    await (await customer()).redeem((await make(CREDIT)).code)
    await broken(app.db, 'delete from payments.promo_redemption')
    const { problems } = await verifyPromoCodes(app.db)
    expect(problems).toContainEqual(
      expect.objectContaining({ check: 'movement_without_redemption', what: expect.stringContaining('5000000') }),
    )
  })

  test.each([
    ['one that was not granted', 'delete from catalog.discount_customer', 'was not granted'],
    [
      'one of another time',
      `update catalog.discount_customer set ends_at = ends_at + interval '1 day'`,
      'was promised',
    ],
    ['one that outlives its kind', 'update catalog.discount set over_at = now()', 'outlives'],
    ['one that nobody redeemed', 'delete from payments.promo_redemption', 'has redeemed nothing'],
  ])('of discounts %s', async (_, sql, what) => {
    const { app, make, customer, sound } = await openPromoHouse()
    const { id, code } = await make(DISCOUNT)
    await (await customer()).redeem(code)
    await sound()
    await broken(app.db, sql)
    const { problems } = await verifyPromoCodes(app.db)
    expect(problems).toContainEqual(expect.objectContaining({ code_id: id, what: expect.stringContaining(what) }))
  })

  test.each([
    ['of another amount', 'update payments.promo_code set percent_bp = 1', 'promised'],
    ['for a deposit that is too small', 'update payments.promo_code set deposit_min = 1000000000', 'does not hold'],
    ['for another customer', 'update payments.promo_redemption set customer_id = customer_id + 1', 'does not hold'],
    ['after its time', `update payments.promo_redemption set ends_at = redeemed_at`, 'does not hold'],
    ['by a code of another kind', `update payments.promo_code set kind = 'credit'`, 'does not hold'],
  ])('a bonus by a code %s', async (_, sql, what) => {
    const { app, make, customer, approve, sound } = await openPromoHouse()
    const one = await customer()
    await one.redeem((await make(DEPOSIT)).code)
    const { id } = await one.ask(100n)
    await approve(id)
    await sound()
    await app.db.query('alter table payments.promo_code drop constraint promo_code_whole')
    await app.db.query('alter table payments.promo_redemption drop constraint promo_redemption_span')
    await broken(app.db, sql)
    const { problems } = await verifyDeposits(app.db)
    expect(problems).toMatchObject([{ deposit_id: id, what: expect.stringContaining(what) }])
  })

  async function broken(db: Db, sql: string, values: unknown[] = []) {
    await db.transaction(async (tx) => {
      await tx.query('set local session_replication_role = replica')
      await tx.query(sql, values)
    })
  }
})
