import { describe, expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { statementOf } from '#server/domains/ledger/statement.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { actsOf, anEditor } from '#test/support/editors.ts'
import { CREDIT, DAY_MS, DEPOSIT, DISCOUNT, openPromoHouse, said, USD } from '#test/support/promo-codes.ts'
import { putSetting } from '#test/support/settings.ts'
import { createBonusRule } from '../bonuses/change-rules.ts'
import { decideDeposit } from '../deposits/decide-deposit.ts'
import { CODES_OPEN_MAX } from './create-code.ts'
import { listRedemptions, selectDiscountOf, selectPromoCode } from './queries.ts'
import { promoBudgetMax } from './settings.ts'

describe('a code for money', () => {
  test('credits the wallet from the bonuses, as a movement of its own reason, once for each customer', async () => {
    const { app, make, customer, wallet, money, sound } = await openPromoHouse()
    const { id, code } = await make(CREDIT)
    const [one, two] = [await customer(), await customer()]
    const redeemed = await one.redeem(code.toLowerCase())
    expect(redeemed).toMatchObject({ code, kind: 'credit', amount: 5n * USD, ends_at: null, customer_id: one.user_id })
    expect(await said(one.redeem(code))).toBe('promo_code_redeemed')
    await two.redeem(code)
    expect(await money(one.user_id)).toEqual([5n * USD, -10n * USD])
    expect(await statementOf(app.db, await wallet(one.user_id), { limit: 10 })).toMatchObject([
      { reason: 'promo_code', posted_change: 5n * USD, subject_kind: 'promo_redemption', subject_id: redeemed.id },
    ])
    expect(await selectPromoCode(app.db, id)).toMatchObject({ redemptions: 2, given: 10n * USD })
    expect(await actsOf(app)).toMatchObject(
      [one, two].map(({ user_id }) => ({
        ...{ action: 'promo_codes.redeemed', user_id, subject_kind: 'user', subject_id: String(user_id) },
        after: { code, amount: '5000000' },
      })),
    )
    await sound()
  })

  test('gives no more in all than one code may', async () => {
    const { app, make } = await openPromoHouse()
    const making = (redemptions_max: number) => said(make(CREDIT, { redemptions_max }))
    expect(await making(2_000)).toBe('done')
    expect(await making(2_001)).toBe('promo_budget_exceeded')
    await putSetting(app.db, promoBudgetMax, '0')
    await app.settings.refresh()
    expect(await making(1)).toBe('promo_budget_exceeded')
    expect(await said(make(DISCOUNT))).toBe('done')
  })

  test('leaves nothing behind when the wallet cannot hold what it gives', async () => {
    const { app, make, customer, sound } = await openPromoHouse()
    const { id, code } = await make(CREDIT)
    const one = await customer()
    await one.redeem((await make(CREDIT)).code)
    await app.db.transaction(async (tx) => {
      await tx.query('set local session_replication_role = replica')
      await tx.query(`update ledger.balance set posted = 9223372036854775807 where account in (
        select id from ledger.account_name where owner_kind = 'customer' and owner_id = ${one.user_id})`)
    })
    expect(await said(one.redeem(code))).toBe('balance_full')
    expect(await selectPromoCode(app.db, id)).toMatchObject({ redemptions: 0 })
    await sound()
  })
})

test('a code for a discount grants it for its days from the redemption on, and what it promised outlives its end', async () => {
  const { app, make, customer, end, money, sound, later } = await openPromoHouse()
  const { id, code } = await make(DISCOUNT)
  const [one, two] = [await customer(), await customer()]
  const { redeemed_at, ends_at } = await one.redeem(code)
  expect(ends_at).toEqual(new Date(redeemed_at.getTime() + 30 * DAY_MS))
  await end(id)
  expect(await said(two.redeem(code))).toBe('promo_code_refused')
  const held = (user_id: bigint) => selectDiscountOf(app.db, user_id, app.clock.now())
  expect([await held(one.user_id), await held(two.user_id)]).toEqual([{ discount_bp: 1_000n, ends_at }, undefined])
  expect(await money(one.user_id)).toEqual([0n, 0n])
  later(30 * DAY_MS)
  expect(await held(one.user_id)).toBeUndefined()
  await sound()
})

describe('a code for the next deposit', () => {
  test('gives to the first that is approved of those asked for while it holds, once', async () => {
    const { app, make, customer, approve, money, sound, later } = await openPromoHouse()
    const one = await customer()
    const before = await one.ask(100n)
    later(1)
    const { code } = await make(DEPOSIT)
    const { id } = await one.redeem(code)
    const [small, large] = [await one.ask(49n), await one.ask(100n)]
    const given: (bigint | null)[] = []
    for (const each of [before, small, large]) given.push((await approve(each.id)).bonus)
    expect(given).toEqual([null, null, 10n * USD])
    expect((await approve((await one.ask(100n)).id)).bonus).toBeNull()
    expect(await money(one.user_id)).toEqual([359n * USD, -10n * USD])
    const { redemptions } = await listRedemptions(app.db, { customer_id: one.user_id }, { limit: 5 })
    expect(redemptions).toMatchObject([{ id, deposit_id: large.id, bonus: 10n * USD }])
    await sound()
  })

  test('gives as it promised when the deposit was asked for, however late that is approved, and not after its time', async () => {
    const { make, customer, approve, end, sound, later } = await openPromoHouse()
    const [one, two] = [await customer(), await customer()]
    const { id, code } = await make({ ...DEPOSIT, days: 1 })
    for (const each of [one, two]) await each.redeem(code)
    await end(id)
    later(DAY_MS - 60_000)
    const in_time = await one.ask(300n)
    later(60_000)
    const too_late = await two.ask(300n)
    expect((await approve(in_time.id)).bonus).toBe(20n * USD)
    expect((await approve(too_late.id)).bonus).toBeNull()
    await sound()
  })

  test('does not add up with a rule: the better of both is given, and of two alike the code is kept', async () => {
    const { app, make, customer, approve, sound } = await openPromoHouse()
    const rule = (name: string, percent_bp: bigint, deposit_min: bigint) =>
      createBonusRule(app, {
        ...{ name, percent_bp, deposit_min: deposit_min * USD, amount_max: null, starts_at: undefined, ends_at: null },
        ...{ by: SYSTEM, reason: 'A test.' },
      })
    await rule('Ten', 1_000n, 60n)
    await rule('Thirty', 3_000n, 200n)
    const one = await customer()
    const { code } = await make({ ...DEPOSIT, amount_max: null })
    await one.redeem(code)
    const given: (bigint | null)[] = []
    for (const usd of [200n, 100n, 50n, 50n]) given.push((await approve((await one.ask(usd)).id)).bonus)
    expect(given).toEqual([60n * USD, 10n * USD, 5n * USD, null])
    const rows = await app.db.query<{ by_code: boolean }>(
      'select redemption_id is not null as by_code from payments.deposit_bonus order by deposit_id',
    )
    expect(rows.map(({ by_code }) => by_code)).toEqual([false, false, true])
    await sound()
  })

  test('gives once, when two deposits of its customer are approved at once', async () => {
    const { app, make, customer, approve, money, sound } = await openPromoHouse()
    const one = await customer()
    await one.redeem((await make(DEPOSIT)).code)
    const asked = [await one.ask(100n), await one.ask(100n)]
    const other = await anEditor(app, ['deposits:decide'])
    const lock = (tx: Tx) => tx.query('lock table payments.deposit_bonus in exclusive mode')
    const approved = await atBarrier(app.db, lock, [
      () => approve(asked[0]?.id ?? 0n),
      () => decideDeposit(app, other, { id: asked[1]?.id ?? 0n, verdict: 'approve' }),
    ])
    expect(approved.map(({ bonus }) => bonus).sort()).toEqual([10n * USD, null])
    expect(await money(one.user_id)).toEqual([210n * USD, -10n * USD])
    await sound()
  })
})

describe('at once', () => {
  const lockCode = (tx: Tx) => tx.query('select 1 from payments.promo_code for update')

  test('of several who want the last one, one has it', async () => {
    const { app, make, customer, money, sound } = await openPromoHouse()
    const { id, code } = await make(CREDIT, { redemptions_max: 2 })
    await (await customer()).redeem(code)
    const all = [await customer(), await customer(), await customer()]
    const racing = all.map((each) => () => said(each.redeem(code)))
    const outcomes = await atBarrier(app.db, lockCode, racing)
    expect(outcomes.sort()).toEqual(['done', 'promo_code_refused', 'promo_code_refused'])
    expect(await selectPromoCode(app.db, id)).toMatchObject({ redemptions: 2 })
    expect((await money(0n))[1]).toBe(-10n * USD)
    await sound()
  })

  test('a customer who redeems twice at once has it once', async () => {
    const { app, make, customer, money, sound } = await openPromoHouse()
    for (const promise of [CREDIT, DISCOUNT, DEPOSIT]) {
      const { id, code } = await make(promise)
      const one = await customer()
      const lock = (tx: Tx) => tx.query('select 1 from identity.user where id = $1 for update', [one.user_id])
      const twice = [() => said(one.redeem(code)), () => said(one.redeem(code))]
      expect((await atBarrier(app.db, lock, twice)).sort()).toEqual(['done', 'promo_code_redeemed'])
      expect(await selectPromoCode(app.db, id)).toMatchObject({ redemptions: 1 })
      expect((await money(one.user_id))[0]).toBe(promise.kind === 'credit' ? 5n * USD : 0n)
    }
    await sound()
  })

  test('one who redeems while it is ended has it whole, or not at all', async () => {
    const { app, make, customer, end, money, sound } = await openPromoHouse()
    for (const promise of [CREDIT, DISCOUNT]) {
      const { id, code } = await make(promise)
      const one = await customer()
      const [redeemed, ended] = await atBarrier(app.db, lockCode, [() => said(one.redeem(code)), () => said(end(id))])
      expect(ended).toBe('done')
      expect(['done', 'promo_code_refused']).toContain(redeemed)
      const has = redeemed === 'done' ? 1 : 0
      expect(await selectPromoCode(app.db, id)).toMatchObject({ redemptions: has, ended_at: expect.any(Date) })
      if (promise.kind === 'credit') expect((await money(one.user_id))[0]).toBe(BigInt(has) * 5n * USD)
      else expect((await selectDiscountOf(app.db, one.user_id, app.clock.now())) !== undefined).toBe(has === 1)
    }
    await sound()
  })

  test('of two of one code one is made, and it is ended by whoever comes first', async () => {
    const { app, make, end } = await openPromoHouse()
    const lock = (tx: Tx) => tx.query('lock table payments.promo_code in access exclusive mode')
    const making = () => said(make(CREDIT, { code: 'TWICE' }))
    expect((await atBarrier(app.db, lock, [making, making])).sort()).toEqual(['done', 'promo_code_taken'])
    const { id } = await make(DISCOUNT)
    expect((await atBarrier(app.db, lock, [() => said(end(id)), () => said(end(id))])).sort()).toEqual([
      'done',
      'promo_code_ended',
    ])
    expect(await said(end(999n))).toBe('promo_code_not_found')
  })
})

test('a transaction that dies behind the money leaves neither money nor redemption, and the code can be redeemed', async () => {
  const { app, make, customer, money, sound } = await openPromoHouse()
  const { id, code } = await make(CREDIT)
  const one = await customer()
  await app.db.query('alter table payments.promo_redemption add constraint broken check (amount is null)')
  expect(await said(one.redeem(code))).not.toBe('done')
  expect(await money(one.user_id)).toEqual([0n, 0n])
  expect(await selectPromoCode(app.db, id)).toMatchObject({ redemptions: 0 })
  await app.db.query('alter table payments.promo_redemption drop constraint broken')
  await one.redeem(code)
  expect(await money(one.user_id)).toEqual([5n * USD, -5n * USD])
  await sound()
})

test('the database refuses to change what was promised, and a redemption too many', async () => {
  const { app, make, customer, end } = await openPromoHouse()
  const { id, code } = await make(CREDIT, { redemptions_max: 1, ends_at: new Date(Date.now() + DAY_MS) })
  const one = await customer()
  await one.redeem(code)
  const ended = await make(DISCOUNT)
  await end(ended.id)
  for (const sql of [
    `update payments.promo_code set amount = amount + 1 where id = ${id}`,
    `update payments.promo_code set redemptions_max = 2 where id = ${id}`,
    `update payments.promo_code set ends_at = null where id = ${id}`,
    `update payments.promo_code set redemptions = redemptions + 1 where id = ${id}`,
    `update payments.promo_code set redemptions = 0 where id = ${id}`,
    `update payments.promo_code set ended_at = null where id = ${ended.id}`,
    `update payments.promo_code set redemptions = redemptions + 1 where id = ${ended.id}`,
    'delete from payments.promo_code',
    'update payments.promo_redemption set amount = 1',
    'delete from payments.promo_redemption',
    'truncate payments.promo_redemption cascade',
    `insert into payments.promo_redemption (id, code_id, customer_id, redeemed_at, amount, movement) values (99, ${id}, ${one.user_id}, now(), 1, 99)`,
    `insert into payments.promo_code (code, kind, asset, amount, starts_at, created_at) values ('FREE', 'credit', 'USD', 1, now(), now())`,
    `insert into payments.promo_code (code, kind, asset, amount, redemptions_max, starts_at, created_at) values ('free', 'credit', 'USD', 1, 1, now(), now())`,
    `insert into payments.promo_code (code, kind, asset, deposit_min, percent_bp, starts_at, created_at) values ('FREE', 'deposit', 'USD', 1, 1, now(), now())`,
  ]) {
    await expect(app.db.query(sql), sql).rejects.toThrow()
  }
})

test('only so many are open, and those that ended or are used up make room', async () => {
  const { app, make, end, customer } = await openPromoHouse()
  await app.db.query(
    `insert into payments.promo_code (code, kind, asset, amount, redemptions_max, starts_at, created_at)
     select 'MANY-' || n, 'credit', 'USD', 1, 1, now(), now() from generate_series(1, $1) n`,
    [CODES_OPEN_MAX - 1],
  )
  const { id } = await make(CREDIT)
  expect(await said(make(CREDIT))).toBe('too_many_promo_codes')
  await end(id)
  expect(await said(make(CREDIT))).toBe('done')
  expect(await said(make(CREDIT))).toBe('too_many_promo_codes')
  await (await customer()).redeem('many-1')
  expect(await said(make(CREDIT))).toBe('done')
})
