import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { systemClock } from '#server/kit/clock.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { asOtherProcess, offeredService, setupCatalog } from '#test/support/catalog.ts'
import { importServices } from '../import-services.ts'
import { assignPlan } from '../plans/assign-plan.ts'
import { openPrices } from '../plans/plan-prices.ts'
import type { PlanTerms } from '../plans/price-plan.ts'
import { storePlan } from '../plans/store-plan.ts'
import { forgetServices, renderedServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { currentSnapshot, forgetPricesOf, REVISION_TTL_MS } from '../snapshot.ts'
import { closeDiscount, createDiscount, DISCOUNTS_MAX, grantDiscount } from './change-discounts.ts'

const MINUTE_MS = 60_000
/** Of `offeredService` with a tenth on top. */
const LIST = 1_100_000n
const COST = 1_000_000n

async function setup() {
  const catalog = await setupCatalog()
  const clock = { ...systemClock, ahead_ms: 0, now: () => new Date(Date.now() + clock.ahead_ms) }
  const app: CatalogApp = { ...catalog.app, clock }
  await importServices(app, catalog.input(offeredService('1')))
  const after = (minutes: number) => new Date(clock.now().getTime() + minutes * MINUTE_MS)
  const customer = async () => {
    const [row] = await app.db.query<{ id: bigint }>(
      `insert into identity.user (email, password_hash, role) values (gen_random_uuid() || '@example.com', '$argon2id$x', 'customer') returning id`,
    )
    return row?.id ?? 0n
  }
  const make = async (discount_bp: bigint, { below_margin = false, over_at = null as Date | null } = {}) => {
    const id = await app.db.transaction((tx) =>
      createDiscount(tx, { discount_bp, below_margin, over_at, now: clock.now() }),
    )
    await forgetServices(app)
    return id
  }
  const grant = async (discount_id: bigint, customer_id: bigint, minutes: number) => {
    const ends_at = after(minutes)
    await app.db.transaction((tx) => grantDiscount(tx, { discount_id, customer_id, now: clock.now(), ends_at }))
    forgetPricesOf(app, customer_id)
    return ends_at
  }
  const plan = async (customer_id: bigint, terms: Partial<PlanTerms>) => {
    const whole = { name: `Plan ${customer_id}`, discount_bp: 0n, below_margin: false, terms: [], ...terms }
    const { id } = await storePlan(app, { terms: whole, by: SYSTEM, reason: 'A test.' })
    await assignPlan(app, { to: { customer_id }, plan_id: id, by: SYSTEM, reason: 'A test.' })
  }
  return { app, clock, after, customer, make, grant, plan, close: closing(app) }
}

function closing(app: CatalogApp) {
  return async (discount_id: bigint) => {
    await app.db.transaction((tx) => closeDiscount(tx, { discount_id, now: app.clock.now() }))
    await forgetServices(app)
  }
}

/** What a customer is charged, and what their list shows. */
async function ratesOf(app: CatalogApp, customer_id: bigint): Promise<bigint[]> {
  const [service] = (await currentSnapshot(app)).active
  if (!service) throw new Error('nothing is sold')
  const prices = await openPrices(app, [customer_id])
  const list = await renderedServices(app, 'rates', (all) => all.map(({ rate }) => rate).join(), customer_id)
  return [prices.priced(customer_id, service).rate, BigInt(list)]
}

test('a discount prices until it ends and not a moment longer, in each process, without anything being done', async () => {
  const { app, clock, customer, make, grant } = await setup()
  const [one, nobody] = [await customer(), await customer()]
  const discount = await make(500n)
  const other = await asOtherProcess(app)
  expect(await ratesOf(other, one)).toEqual([LIST, LIST])
  const ends_at = await grant(discount, one, 60)
  const less = (LIST * 95n) / 100n
  expect(await ratesOf(app, one)).toEqual([less, less])
  // Another process knows it when what it has looked up is as old as a revision may be.
  await expect.poll(() => ratesOf(other, one), { timeout: REVISION_TTL_MS * 5, interval: 50 }).toEqual([less, less])
  expect(await ratesOf(app, nobody)).toEqual([LIST, LIST])

  clock.now = () => new Date(ends_at.getTime() - 1)
  for (const each of [app, other]) expect(await ratesOf(each, one)).toEqual([less, less])
  expect((await openPrices(app, [one])).endsAt(one)).toEqual(ends_at)
  clock.now = () => ends_at
  expect(await ratesOf(app, one)).toEqual([LIST, LIST])
  expect(await ratesOf(other, one)).toEqual([LIST, LIST])
})

test('the least of plan and discounts is charged, and no discount makes less of what a plan has made', async () => {
  const { app, customer, make, grant, plan } = await setup()
  const [small, large] = [await make(100n), await make(600n)]
  const held = async (terms: Partial<PlanTerms> | undefined, ...discounts: bigint[]) => {
    const id = await customer()
    if (terms) await plan(id, terms)
    for (const each of discounts) await grant(each, id, 60)
    return ratesOf(app, id)
  }
  const off = (bp: bigint) => [(LIST * (10_000n - bp)) / 10_000n, (LIST * (10_000n - bp)) / 10_000n]
  expect(await held(undefined, small, large)).toEqual(off(600n))
  expect(await held({ discount_bp: 300n }, small)).toEqual(off(300n))
  expect(await held({ discount_bp: 300n }, large)).toEqual(off(600n))
  const dearer = [{ service_id: 1n, rate: LIST * 2n }]
  expect(await held({ terms: dearer })).toEqual([LIST * 2n, LIST * 2n])
  expect(await held({ terms: dearer }, small)).toEqual(off(100n))
})

test('no discount sells below the cost and the least margin, or below the cost where it may do without margin', async () => {
  const { app, customer, make, grant } = await setup()
  await app.db.query('update catalog.markup_rule set minimum_margin = 40000')
  await forgetServices(app)
  const [one, two] = [await customer(), await customer()]
  await grant(await make(5_000n), one, 60)
  expect(await ratesOf(app, one)).toEqual([COST + 40_000n, COST + 40_000n])
  await grant(await make(10_000n, { below_margin: true }), two, 60)
  expect(await ratesOf(app, two)).toEqual([COST, COST])
})

test('whatever plan and discounts someone has, what is charged is what is shown, at most what each alone would make, and never below the cost', async () => {
  const { app, customer, make, grant, plan } = await setup()
  const bp = fc.bigInt(1n, 10_000n)
  await fc.assert(
    fc.asyncProperty(fc.option(bp), fc.array(bp, { maxLength: 2 }), fc.boolean(), async (of_plan, some, lax) => {
      const id = await customer()
      if (of_plan !== null) await plan(id, { discount_bp: of_plan, below_margin: lax })
      for (const each of some) await grant(await make(each, { below_margin: lax }), id, 60)
      const [charged, shown] = await ratesOf(app, id)
      expect(charged).toBe(shown)
      const most = [of_plan ?? 0n, ...some].reduce((a, b) => (a > b ? a : b), 0n)
      const wanted = ((LIST * (10_000n - most) + 999_999n) / 1_000_000n) * 100n
      expect(charged).toBe(wanted < COST ? COST : wanted)
    }),
    { numRuns: 15 },
  )
})

test('a discount that nobody can have any more is kept by no process, one that someone has stays when it is closed', async () => {
  const { app, clock, after, customer, make, grant, close } = await setup()
  const one = await customer()
  const [open, unused] = [await make(500n, { over_at: after(600) }), await make(500n)]
  await grant(open, one, 60)
  expect([...(await currentSnapshot(app)).discounts.keys()]).toEqual([open, unused])
  await close(open)
  await close(unused)
  expect([...(await currentSnapshot(app)).discounts.keys()]).toEqual([open])
  expect((await ratesOf(app, one))[0]).toBeLessThan(LIST)
  const granting = app.db.transaction(async (tx) =>
    grantDiscount(tx, { discount_id: open, customer_id: await customer(), now: clock.now(), ends_at: after(61) }),
  )
  await expect(granting).rejects.toThrow('longer than anyone may have it')
  clock.ahead_ms = 61 * MINUTE_MS
  await make(100n)
  expect((await currentSnapshot(app)).discounts.has(open)).toBe(false)
})

test('one that is granted while it is closed is kept as long as it was granted for, or is not granted', async () => {
  const { app, clock, after, customer, make, close } = await setup()
  const [one, discount] = [await customer(), await make(500n, { over_at: after(60) })]
  const lock = (tx: Tx) => tx.query('select 1 from catalog.discount for update')
  const ends_at = after(30)
  const granting = () =>
    app.db
      .transaction((tx) => grantDiscount(tx, { discount_id: discount, customer_id: one, now: clock.now(), ends_at }))
      .then(
        () => 'granted',
        () => 'refused',
      )
  const [granted] = await atBarrier<unknown>(app.db, lock, [granting, () => close(discount)])
  const [row] = await app.db.query<{ over_at: Date }>('select over_at from catalog.discount')
  if (granted === 'granted') expect(row?.over_at).toEqual(ends_at)
  else expect(row?.over_at.getTime()).toBeLessThan(ends_at.getTime())
})

test('what was granted stays as it is, once for a customer, and there are only so many', async () => {
  const { app, after, customer, make, grant } = await setup()
  const [one, discount] = [await customer(), await make(500n)]
  await grant(discount, one, 60)
  await expect(grant(discount, one, 90)).rejects.toThrow()
  for (const sql of [
    'update catalog.discount_customer set ends_at = ends_at + interval $$1 day$$',
    'delete from catalog.discount_customer',
    'truncate catalog.discount_customer cascade',
  ]) {
    await expect(app.db.query(sql)).rejects.toThrow()
  }
  const many = (over_at: Date) =>
    app.db.query(
      'insert into catalog.discount (discount_bp, below_margin, over_at) select 1, false, $1 from generate_series(1, $2)',
      [over_at, DISCOUNTS_MAX - 2],
    )
  await many(after(-1))
  await many(after(1))
  await make(500n)
  await expect(make(500n)).rejects.toMatchObject({ code: 'too_many_discounts' })
})

test('nothing is looked up of customers while there are neither plans nor discounts', async () => {
  const { app, customer, make, close } = await setup()
  const one = await customer()
  await close(await make(500n))
  await ratesOf(app, one)
  expect((await currentSnapshot(app)).holdings.size).toBe(0)
  await make(500n)
  await ratesOf(app, one)
  expect((await currentSnapshot(app)).holdings.size).toBe(1)
})
