import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { BLOCK_BITS } from '#server/domains/ledger/block.ts'
import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { bonuses, walletOf } from '#server/domains/payments/accounts.ts'
import { askAdjustment } from '#server/domains/payments/adjustments/ask-adjustment.ts'
import { createBonusRule } from '#server/domains/payments/bonuses/change-rules.ts'
import { askDeposit } from '#server/domains/payments/deposits/ask-deposit.ts'
import { decideDeposit } from '#server/domains/payments/deposits/decide-deposit.ts'
import { createPromoCode } from '#server/domains/payments/promo-codes/create-code.ts'
import { redeemPromoCode } from '#server/domains/payments/promo-codes/redeem-code.ts'
import type { Db } from '#server/platform/db/database.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { anEditor, editorFor, TERMINAL } from '#test/support/editors.ts'
import { acceptedAs, dispatched, expectSound, placed, REFUSED, TIMED_OUT, told } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { askRefund } from '../refunding/ask-refund.ts'
import { type AssetFigures, FIGURE_COLUMNS, type Figures, lessOf, sumOf } from './figures.ts'
import { type Dimension, figuresBy, figuresByDay, financeProgress } from './queries.ts'
import { sumFinance } from './sum-finance.ts'
import { verifyFinance } from './verify-finance.ts'

const EVER = { from: '2000-01-01', to: '2100-01-01' }
const BY = { order: 'turnover', limit: 500, asset: 'USD' } as const
const STAFF = { kind: 'user', user_id: 1n } as const
const MIGRATION = join(import.meta.dirname, '../../../../db/migrations/0092_orders_finance_bonuses.sql')
const DIMENSIONS: readonly Dimension[] = ['service', 'provider', 'customer']

/** Everything that moves money: orders that end in every way or have not ended, sent again at a loss, deposits, adjustments and bonuses, by two customers. */
async function aMixedDay(shop: Shop): Promise<void> {
  const { app } = shop
  await promiseBonuses(shop)
  for (const charge of [5n, 7n]) {
    const { id } = await shop.customer()
    const [partial, completed, cancelled] = [
      await dispatched(shop, id, acceptedAs(`a${charge}`, 9n)),
      await dispatched(shop, id, acceptedAs(`b${charge}`, 9n)),
      await dispatched(shop, id, acceptedAs(`c${charge}`, 9n)),
    ]
    await recordStatuses(app, [
      { order_id: partial.id, row: told('partial', { remains: 7n, charge }) },
      { order_id: completed.id, row: told('completed', { charge }) },
      { order_id: cancelled.id, row: told('cancelled', { charge: 0n }) },
    ])
    const editor = await anEditor(app, ['orders:refund'])
    await askRefund(app, editor, { order_id: completed.id, amount: 11n, reason: 'x' })
    const refused = await dispatched(shop, id, REFUSED)
    await resolveOrder(app, refused.id, { kind: 'refund' }, STAFF)
    await dispatched(shop, id, TIMED_OUT)
    await placed(shop, id, 2)
    await askAdjustment(app, TERMINAL, { user_id: id, amount: 3_000_000n, reason: 'x' })
    await askAdjustment(app, TERMINAL, { user_id: id, amount: -1_000_000n, reason: 'x' })
    const input = { user_id: id, amount: 20_000_000n, method: 'bank_transfer', reference: 'A1' }
    const deposit = await askDeposit(app, await editorFor(app, id), input)
    await decideDeposit(app, TERMINAL, { id: deposit.id, verdict: 'approve', amount: 19_000_000n, reason: 'Fee.' })
    await redeemPromoCode(app, await editorFor(app, id), { user_id: id, code: 'WELCOME' })
    await takeBack(shop, id, 2_000_000n)
  }
}

/** A tenth on top of deposits, and a code for five dollars at once. */
async function promiseBonuses({ app }: Shop): Promise<void> {
  const terms = { starts_at: undefined, ends_at: null, by: SYSTEM, reason: 'A test.' }
  const limits = { redemptions_max: 2, registered_from: null, registered_until: null }
  await createBonusRule(app, { ...terms, name: 'A tenth', deposit_min: 1n, percent_bp: 1_000n, amount_max: null })
  const promise = { kind: 'credit', amount: 5_000_000n } as const
  await createPromoCode(app, { ...terms, ...limits, code: 'WELCOME', promise })
}

/** Takes a part of what was given back from a customer, for a reason that no code knows. */
async function takeBack({ app }: Shop, customer_id: bigint, amount: bigint): Promise<void> {
  await app.db.transaction(async (tx) => {
    const [debit, credit] = (await ensureAccounts(tx, [walletOf(customer_id), bonuses()])) as [bigint, bigint]
    const movement = { kind: 'transfer', debit, credit, amount, reason: 'x' } as const
    await postEntries(tx, [{ key: `taken back:${customer_id}`, movements: [movement] }])
  })
}

/** As if the first half of what is sealed had moved a day earlier. */
async function moveHalfToYesterday(db: Db): Promise<void> {
  const [half] = await db.query<{ block: bigint }>(
    'select percentile_disc(0.5) within group (order by block) as block from ledger.sealed_block',
  )
  await db.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    for (const [table, block] of [
      ['sealed_block', 'block'],
      ['transfer', `id >> ${BLOCK_BITS}`],
      ['release', `id >> ${BLOCK_BITS}`],
    ]) {
      await tx.query(`update ledger.${table} set at = at - interval '1 day' where ${block} <= $1`, [half?.block])
    }
  })
}

async function sumAll({ app }: Shop): Promise<void> {
  while ((await sealBlocks(app.db)).movements > 0);
  while ((await sumFinance(app)).more);
}

/** What the ledger itself and the orders say. */
async function truth({ app }: Shop): Promise<Partial<Figures> & { wallets: bigint }> {
  const [row] = await app.db.query<Figures & { wallets: bigint }>(`
    with posted as (
      select case when owner_kind = 'customer' then 'wallets' else purpose end as place, sum(posted)::bigint as amount
      from ledger.account where asset = 'USD' group by 1
    ), at as (select coalesce(jsonb_object_agg(place, amount), '{}') as all from posted)
    select ((select at.all from at)->>'revenue')::bigint as turnover, ((select at.all from at)->>'cost')::bigint as cost,
      -((select at.all from at)->>'adjustments')::bigint as adjustments, -((select at.all from at)->>'bonuses')::bigint as bonuses,
      ((select at.all from at)->>'wallets')::bigint as wallets,
      (select sum(amount)::bigint from ledger.hold) as charged, (select sum(amount)::bigint from ledger.release) as returned,
      (select sum(approved_amount)::bigint from payments.deposit where state = 'approved') as deposits,
      (select count(*) from payments.deposit where state = 'approved') as deposit_count,
      (select count(*) from orders.orders) as placed, (select count(*) from orders.orders where state = 'completed') as completed,
      (select count(*) from orders.orders where state = 'partial') as partial,
      (select count(*) from orders.orders where state = 'cancelled') as cancelled`)
  if (!row) throw new Error('no row')
  return row
}

async function wholeOf({ app }: Shop): Promise<AssetFigures> {
  const [usd, ...others] = sumOf(await figuresByDay(app, EVER))
  expect(others).toEqual([])
  if (!usd) throw new Error('nothing was summed')
  return usd
}

test('after a day of everything the sums are those of the ledger, by day, service, provider and customer', async () => {
  const shop = await openShop()
  await aMixedDay(shop)
  await sumAll(shop)
  await expectSound(shop.app)
  expect(await verifyFinance(shop.app.db)).toEqual([])
  const whole = await wholeOf(shop)
  const { wallets, ...expected } = await truth(shop)
  expect(whole).toMatchObject(expected)
  expect([whole.completed, whole.partial, whole.cancelled, whole.placed]).toEqual([2n, 2n, 4n, 14n])
  // What wallets have is what came onto them, less what was captured.
  expect(whole.deposits + whole.adjustments + whole.bonuses + whole.other - whole.turnover).toBe(wallets)
  expect([whole.deposits, whole.adjustments, whole.other]).toEqual([38_000_000n, 4_000_000n, 200_000_000n])
  // Two bonuses of 1.90 and two credits of 5.00, less twice 2.00.
  expect(whole.bonuses).toBe(9_800_000n)
  for (const dimension of DIMENSIONS) {
    const { rows, rest } = await figuresBy(shop.app, dimension, EVER, BY)
    expect(rows.length).toBeGreaterThan(0)
    expect(sumOf([...rows.flatMap(({ figures }) => figures), ...rest])).toEqual([{ ...whole, asset: 'USD' }])
    const one = await figuresBy(shop.app, dimension, EVER, { ...BY, limit: 1 })
    const left = [...rows.slice(1).flatMap(({ figures }) => figures), ...rest]
    expect(lessOf(one.rest, left)).toEqual([])
    expect(one.rows).toEqual(rows.slice(0, 1))
  }
})

test('the sums follow seal by seal, take each movement once, and are the same however they were taken up', async () => {
  const shop = await openShop()
  await aMixedDay(shop)
  expect(await financeProgress(shop.app)).toEqual({ at: null, complete: false })
  await sealBlocks(shop.app.db, 20)
  while ((await sumFinance(shop.app)).more);
  const part = await wholeOf(shop)
  expect(await verifyFinance(shop.app.db)).toEqual([])
  expect((await financeProgress(shop.app)).complete).toBe(false)
  await sumAll(shop)
  expect(await financeProgress(shop.app)).toEqual({ at: expect.any(Date), complete: true })
  const whole = await wholeOf(shop)
  expect(part.charged).toBeLessThan(whole.charged)
  await sumAll(shop)
  expect(await wholeOf(shop)).toEqual(whole)
  await shop.app.db.query('delete from orders.finance_day')
  await shop.app.db.query('delete from orders.finance_customer_day')
  await shop.app.db.query('update orders.finance_progress set seal = 0, last_line = 0, at = null')
  await sumAll(shop)
  expect(await wholeOf(shop)).toEqual(whole)
})

test('the migration moves what was given away out of `other`, day by day, and refuses sums that leave it there', async () => {
  const shop = await openShop()
  const { db } = shop.app
  await aMixedDay(shop)
  while ((await sealBlocks(db)).movements > 0);
  await moveHalfToYesterday(db)
  while ((await sumFinance(shop.app)).more);
  // Sealed and not summed yet.
  await takeBack(shop, (await shop.customer()).id, 1_000_000n)
  await sealBlocks(db)
  const tables = ['finance_day', 'finance_customer_day']
  const rows = () =>
    Promise.all(tables.map((table) => db.query<Figures>(`select * from orders.${table} order by 1, 2, 3, 4`)))
  const before = await rows()
  expect(before[0]?.filter(({ bonuses }) => bonuses !== 0n)).toHaveLength(2)
  for (const table of tables) {
    await db.query(`update orders.${table} set other = other + bonuses`)
    await db.query(`alter table orders.${table} drop column bonuses`)
  }
  await db.query(await readFile(MIGRATION, 'utf8'))
  expect(await rows()).toEqual(before)
  expect(await verifyFinance(db)).toEqual([])
  const known = FIGURE_COLUMNS.filter((name) => name !== 'bonuses').join(', ')
  for (const [table, keys] of [
    ['finance_day', 'service_id, provider_id'],
    ['finance_customer_day', 'customer_id'],
  ]) {
    const columns = `day, ${keys}, asset, ${known}`
    const older = `insert into orders.${table} (${columns}) select ${columns} from orders.${table} on conflict do nothing`
    await expect(db.query(older)).rejects.toMatchObject({ code: '23502' })
  }
})

test('of several who sum at once each movement is summed by one', async () => {
  const shop = await openShop()
  await aMixedDay(shop)
  while ((await sealBlocks(shop.app.db)).movements > 0);
  const hold = (tx: { query(sql: string): Promise<unknown[]> }) =>
    tx.query('select 1 from orders.finance_progress for update')
  await atBarrier(shop.app.db, hold, [() => sumFinance(shop.app), () => sumFinance(shop.app)])
  const { wallets: _, ...expected } = await truth(shop)
  expect(await wholeOf(shop)).toMatchObject(expected)
})

test('a captured charge that comes back later lessens the turnover, and what providers give back the cost', async () => {
  const shop = await openShop()
  const { id, wallet } = await shop.customer()
  const order = await dispatched(shop, id, acceptedAs('a', 9n))
  await recordStatuses(shop.app, [{ order_id: order.id, row: told('completed', { charge: 9n }) }])
  await sumAll(shop)
  const before = await wholeOf(shop)
  const { db } = shop.app
  const [revenue] = await db.query<{ id: bigint }>(`select id from ledger.account where purpose = 'revenue'`)
  const given = {
    kind: 'transfer',
    amount: 2n,
    reason: 'order.refund',
    subject: { kind: 'order', id: order.id },
  } as const
  await db.transaction((tx) =>
    postEntries(tx, [
      {
        key: 'back',
        movements: [{ ...given, debit: revenue?.id ?? 0n, credit: wallet }],
      },
    ]),
  )
  await sumAll(shop)
  expect(await wholeOf(shop)).toEqual({ ...before, turnover: before.turnover - 2n })
  const { rows } = await figuresBy(shop.app, 'service', EVER, BY)
  expect(rows).toMatchObject([{ id: order.service_id, figures: [{ turnover: before.turnover - 2n }] }])
})

test.each(['Pacific/Kiritimati', 'Etc/GMT+12'])(
  'a day is one of UTC, also where the database is at home in %s',
  async (zone) => {
    const shop = await openShop()
    await placed(shop, (await shop.customer()).id)
    while ((await sealBlocks(shop.app.db)).movements > 0);
    const transaction: Db['transaction'] = (work, ...more) =>
      shop.app.db.transaction(
        async (tx) => {
          await tx.query(`select set_config('timezone', $1, true)`, [zone])
          return work(tx)
        },
        ...more,
      )
    while ((await sumFinance({ db: { ...shop.app.db, transaction } })).more);
    const days = await figuresByDay(shop.app, EVER)
    const [at] = await shop.app.db.query<{ day: string }>(
      `select distinct (at at time zone 'UTC')::date::text as day from ledger.hold`,
    )
    expect(days.filter(({ placed: n }) => n > 0n).map(({ day }) => day)).toEqual([at?.day])
  },
)

test.each([
  ['the sums by day', 'update orders.finance_day set turnover = turnover + 1, other = other + 1 where turnover > 0'],
  ['the sums by day', 'delete from orders.finance_day'],
  [
    'bonuses 9800000, the sums by day',
    'update orders.finance_day set bonuses = bonuses + 1, other = other - 1 where bonuses > 0',
  ],
  ['by customer', 'update orders.finance_customer_day set deposits = deposits + 1'],
  ['the sums by day', 'update orders.finance_progress set seal = 0'],
  ['the sums by day', `update ledger.transfer set amount = amount + 1 where reason = 'order.capture'`],
])('a proof names what differs: %s after %s', async (named, sql) => {
  const shop = await openShop()
  await aMixedDay(shop)
  await sumAll(shop)
  await shop.app.db.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    await tx.query(sql)
  })
  const what = expect.stringContaining(named)
  expect(await verifyFinance(shop.app.db)).toEqual([{ check: 'finance', asset: 'USD', what }])
})
