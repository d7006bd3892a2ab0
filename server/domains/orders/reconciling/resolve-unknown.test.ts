import { describe, expect, test } from 'vitest'
import type { FaultName } from '#sandbox/provider/faults.ts'
import type { Extensions } from '#sandbox/provider/panel.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { actsIn } from '#test/support/acts.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { acceptedAs, cheapest, ended, expectSound, orderNow, placed } from '#test/support/order-book.ts'
import { openShop } from '#test/support/shop.ts'
import { addOtherProvider, asSource } from '#test/support/sources.ts'
import { expireWaitingOrders } from '../desk/expire-waiting-orders.ts'
import { resolveOrder } from '../desk/resolve-order.ts'
import { dispatchOrders, newLane } from '../dispatching/dispatch-orders.ts'
import { type Placement, recordPlacements } from '../dispatching/record-placements.ts'
import { sweepDispatches } from '../dispatching/sweep-dispatches.ts'
import type { Order } from '../order.ts'
import type { PlaceOrder } from '../placing/place-orders.ts'
import { attemptsOf, historyOf } from '../queries.ts'
import { resolveUnknown } from './resolve-unknown.ts'

/** What a panel knows beyond the common protocol, and what it is said to know. */
interface Mode {
  extensions: Partial<Extensions>
  provider: Partial<NewProvider>
}

const PLAIN: Mode = { extensions: {}, provider: {} }
const LISTING: Mode = { extensions: { orders_list: true }, provider: { lists_orders: true } }
const BY_KEY: Mode = { extensions: { request_id: true }, provider: { idempotency: 'request_id' } }
const BY_WINDOW: Mode = { extensions: { natural_window_ms: 120_000 }, provider: { idempotency: 'natural_window' } }

async function setup(mode: Mode) {
  const shop = await openShop({
    panel: { extensions: mode.extensions },
    provider: { ...mode.provider, timeout_ms: 3_000 },
  })
  const { app, providers, control } = shop
  const { id: customer } = await shop.customer()
  const record = (placement: Placement) => recordPlacements(app, [placement])
  const dispatch = () =>
    dispatchOrders(
      app,
      providers,
      newLane(shop.provider_id, () => {}),
      record,
    )
  /** Sends a queued order, loses its answer, and waits until it is known that nothing is known. */
  const lostAgain = async ({ id }: Order, fault: FaultName) => {
    await control.setFaults({ [fault]: { probability: 1, actions: ['add'] } })
    await dispatch()
    await expect.poll(async () => (await orderNow(shop, id)).state, { timeout: 10_000, interval: 10 }).toBe('unknown')
    await control.setFaults({})
  }
  /** Places an order whose answer is lost. */
  const lost = async (fault: FaultName, changes: Partial<PlaceOrder> = {}) => {
    const [order] = (await placed(shop, customer, 1, changes)) as [Order]
    await lostAgain(order, fault)
    return orderNow(shop, order.id)
  }
  const look = async () => {
    await app.db.query('update orders.unknown_case set next_try_at = now() where next_try_at is not null')
    await resolveUnknown(app, providers, record)
  }
  /** Lets so many minutes have passed since all attempts. */
  const pass = (minutes: number) =>
    app.db.query(
      `update orders.attempt set started_at = started_at - make_interval(mins => $1), ended_at = ended_at - make_interval(mins => $1),
      provider_balance_at = provider_balance_at - make_interval(mins => $1)`,
      [minutes],
    )
  const now = (order: Order) => orderNow(shop, order.id)
  const findings = async () =>
    (await app.db.query<{ finding: string }>('select finding from orders.unknown_case order by order_id')).map(
      (row) => row.finding,
    )
  const settle = async (order: Order) => {
    await dispatch()
    await expect.poll(async () => (await now(order)).state, { timeout: 10_000, interval: 10 }).toBe('pending')
  }
  return {
    shop,
    app,
    providers,
    control,
    customer,
    record,
    dispatch,
    lost,
    lostAgain,
    look,
    pass,
    now,
    findings,
    settle,
  }
}

describe('an answer that is lost', () => {
  test.each<FaultName>(['cut_before', 'cut_after'])(
    '%s at a plain panel leaves the order to people, however often is looked, with the balances on both sides',
    async (fault) => {
      const { control, app, lost, look, pass, now, findings } = await setup(PLAIN)
      const order = await lost(fault)
      for (let n = 0; n < 3; n++) {
        await look()
        await pass(10)
      }
      expect(await now(order)).toMatchObject({ state: 'unknown', version: order.version })
      expect(await findings()).toEqual(['no_list'])
      const [found] = await app.db.query<{ evidence: unknown }>('select evidence from orders.unknown_case')
      const verdict = fault === 'cut_before' ? 'as_if_not_placed' : 'as_if_placed'
      expect(found?.evidence).toMatchObject({
        balance: { verdict, others: 0, expected_cost: String(order.expected_cost) },
      })
      expect((await control.summary()).orders_accepted).toBe(fault === 'cut_before' ? 0 : 1)
      await expectSound(app)
    },
  )

  test.each<[string, Mode, FaultName[]]>([
    ['its list', LISTING, ['cut_after', 'bad_json_after']],
    ['sending it again under its key', BY_KEY, ['cut_before', 'cut_after']],
    ['sending it again within the window', BY_WINDOW, ['cut_before', 'cut_after']],
  ])('is found out by %s: each order goes on under the one number that the panel has', async (_, mode, faults) => {
    const { shop, app, control, lost, look, now } = await setup(mode)
    const opening = await shop.prepaid()
    let cost = 0n
    for (const fault of faults) {
      const order = await lost(fault)
      await look()
      const at_panel = (await control.allOrders()).filter(({ link }) => link === order.link)
      expect(at_panel).toHaveLength(1)
      expect(await now(order)).toMatchObject({
        state: 'pending',
        provider_order_id: at_panel[0]?.id,
        attempts: 1,
        resubmits: 0,
        booked_cost: order.expected_cost,
      })
      cost += order.expected_cost
      expect((await historyOf(app.db, order.id)).some(({ actor }) => actor === 'system:resolver')).toBe(true)
    }
    expect(await shop.prepaid()).toBe(opening - cost)
    const by = { actor_kind: 'system', user_agent: 'resolver' }
    expect(await actsIn(app.db, 'orders.')).toMatchObject(faults.map(() => by))
    await look()
    expect((await control.summary()).orders_accepted).toBe(faults.length)
    await expectSound(app)
  })

  test('before the panel took it, is found out by its list once nothing can come any more: it is sent again, and placed once', async () => {
    const { app, control, lost, look, pass, now, findings, settle } = await setup(LISTING)
    const order = await lost('cut_before')
    await look()
    expect(await findings()).toEqual(['too_early'])
    expect((await now(order)).state).toBe('unknown')
    await pass(6)
    await look()
    expect(await findings()).toEqual(['not_placed'])
    expect(await now(order)).toMatchObject({ state: 'queued', resubmits: 1, attempt: null })
    const step = (await historyOf(app.db, order.id)).at(-1)
    expect(step).toMatchObject({
      kind: 'resubmitted',
      actor: 'system:resolver',
      data: {
        finding: 'not_placed',
        evidence: { list: { listed: 0, complete: true }, balance: { verdict: 'as_if_not_placed' } },
      },
    })
    expect(await actsIn(app.db, 'orders.')).toMatchObject([
      {
        actor_kind: 'system',
        user_agent: 'resolver',
        after: { resolution: 'resend', evidence: { finding: 'not_placed' } },
      },
    ])
    await settle(order)
    expect((await control.summary()).orders_accepted).toBe(1)
    await expectSound(app)
  })

  test('and is proven not to be placed, goes on to the next source of its service', async () => {
    const { shop, app, lost, look, pass, now } = await setup(LISTING)
    const other = await addOtherProvider(shop)
    await asSource(shop, other, cheapest(shop))
    const order = await lost('cut_before')
    await look()
    expect(await now(order)).toMatchObject({ state: 'unknown', provider_id: shop.provider_id })
    await pass(6)
    await look()
    expect(await now(order)).toMatchObject({ state: 'queued', provider_id: other.provider_id, resubmits: 1 })
    const step = (await historyOf(app.db, order.id)).at(-1)
    expect(step?.data).toMatchObject({ finding: 'not_placed', to: { provider_id: String(other.provider_id) } })
    await expectSound(app)
  })

  test('again and again, makes it fail for people to look', async () => {
    const { app, lost, lostAgain, look, pass, now, findings } = await setup(LISTING)
    const order = await lost('cut_before')
    for (let n = 0; n < 3; n++) {
      await pass(6)
      await look()
      expect(await now(order)).toMatchObject({ state: 'queued', resubmits: n + 1 })
      await lostAgain(order, 'cut_before')
    }
    await pass(6)
    await look()
    expect(await now(order)).toMatchObject({
      ...{ state: 'failed', reason: 'not_placed', resubmits: 3 },
      detail: "The provider's list showed 4 times that it was not placed.",
    })
    expect(await findings()).toEqual(Array(4).fill('not_placed'))
    await expectSound(app)
  })

  test('is sent again, however often people had sent it again for other reasons', async () => {
    const { app, lost, look, pass, now } = await setup(LISTING)
    const order = await lost('cut_before')
    await app.db.query('update orders.orders set resubmits = 3')
    await pass(6)
    await look()
    expect(await now(order)).toMatchObject({ state: 'queued', resubmits: 4 })
    await expectSound(app)
  })
})

describe('what does not prove leaves the order open', () => {
  test('two orders alike of which one was placed: none of them takes its number', async () => {
    const { control, lost, look, pass, now, findings } = await setup(LISTING)
    const first = await lost('cut_before', { link: 'https://example.com/same' })
    const second = await lost('cut_after', { link: 'https://example.com/same' })
    await pass(6)
    await look()
    expect(await findings()).toEqual(['shared_candidate', 'shared_candidate'])
    expect([(await now(first)).state, (await now(second)).state]).toEqual(['unknown', 'unknown'])
    expect((await control.summary()).orders_accepted).toBe(1)
  })

  test('two orders alike that were both placed', async () => {
    const { lost, look, findings } = await setup(LISTING)
    await lost('cut_after', { link: 'https://example.com/same' })
    await lost('cut_after', { link: 'https://example.com/same' })
    await look()
    expect(await findings()).toEqual(['several_candidates', 'several_candidates'])
  })

  test('an order of the same service that nobody knows, whatever its link', async () => {
    const { control, lost, look, pass, now, findings } = await setup(LISTING)
    const order = await lost('cut_before')
    const { provider_service_id: service, quantity } = order
    await control.enterOrders([{ service, link: 'https://example.com/other/', quantity: String(quantity) }])
    await pass(6)
    await look()
    expect(await findings()).toEqual(['unlike_orders'])
    expect((await now(order)).state).toBe('unknown')
  })

  test('a balance that fell as if it had been placed', async () => {
    const { control, lost, look, pass, findings } = await setup(LISTING)
    const order = await lost('cut_before')
    await control.addBalance(`-0.${String(order.expected_cost).padStart(6, '0')}`)
    await pass(6)
    await look()
    expect(await findings()).toEqual(['balance_contradicts'])
  })

  test('a list that cannot be read', async () => {
    const { app, control, lost, look, pass, findings } = await setup(LISTING)
    await lost('cut_before')
    await pass(6)
    await control.setFaults({ http_5xx: { probability: 1, actions: ['orders'] } })
    await look()
    expect(await findings()).toEqual(['list_unavailable'])
    const [row] = await app.db.query<{ evidence: { list_error: string } }>('select evidence from orders.unknown_case')
    expect(row?.evidence.list_error).toContain('server_error')
  })

  test('a refusal of the same sent again: it may be refused because it is there', async () => {
    const { app, control, lost, look, now } = await setup(BY_KEY)
    const order = await lost('cut_before')
    await control.setFaults({ empty_balance: 1 })
    await look()
    expect(await now(order)).toMatchObject({ state: 'unknown', detail: expect.stringContaining('insufficient') })
    expect(await attemptsOf(app.db, order.id)).toMatchObject([{ state: 'unknown', number: 1 }])
    await control.setFaults({})
    await look()
    expect((await now(order)).state).toBe('pending')
    await expectSound(app)
  })

  test('a balance from before the same was sent again: it says nothing about that, and is read anew', async () => {
    const { app, control, lost, look, pass } = await setup(BY_KEY)
    await lost('cut_before')
    await control.setFaults({ cut_after: { probability: 1, actions: ['add'] } })
    await look()
    await control.setFaults({})
    const verdict = async () => {
      const [row] = await app.db.query<{ evidence: { balance: { verdict: string } } }>(
        'select evidence from orders.unknown_case',
      )
      return row?.evidence.balance.verdict
    }
    expect(await verdict()).toBe('unread')
    await pass(10)
    await look()
    expect(await verdict()).toBe('as_if_placed')
  })

  test('an order beyond the window is not sent again', async () => {
    const { app, control, lost, look, now } = await setup(BY_KEY)
    const order = await lost('cut_after')
    await app.db.query(`update orders.attempt set started_at = started_at - interval '2 minutes'`)
    await look()
    expect((await now(order)).state).toBe('unknown')
    expect((await control.summary()).requests.add).toBe(1)
  })
})

describe('at once', () => {
  const lock = (id: bigint) => (tx: Tx) => tx.query('select from orders.orders where id = $1 for update', [id])

  test('people and the house: one of them closes it', async () => {
    const { shop, app, control, lost, look, pass } = await setup(LISTING)
    const order = await lost('cut_before')
    await look()
    await pass(6)
    await atBarrier<unknown>(app.db, lock(order.id), [
      () => resolveOrder(app, order.id, { kind: 'refund' }, { kind: 'user', user_id: 5n }),
      look,
    ])
    const { state, resubmits } = await orderNow(shop, order.id)
    expect(['cancelled 0', 'queued 1']).toContain(`${state} ${resubmits}`)
    expect(await actsIn(app.db, 'orders.')).toHaveLength(1)
    expect((await control.summary()).orders_accepted).toBe(0)
    await expectSound(app)
  })

  test('two workers: it is sent again once', async () => {
    const { shop, app, lost, look, pass } = await setup(LISTING)
    const order = await lost('cut_before')
    await look()
    await pass(6)
    await atBarrier(app.db, lock(order.id), [look, look])
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'queued', resubmits: 1 })
    await expectSound(app)
  })

  test('the late answer and the house: the order has the number once, and its cost', async () => {
    const { shop, app, control, lost, look } = await setup(LISTING)
    const opening = await shop.prepaid()
    const order = await lost('cut_after')
    await control.setFaults({ http_5xx: { probability: 1, actions: ['orders'] } })
    await look()
    await control.setFaults({})
    const [at_panel] = await control.allOrders()
    const late = ended(order, acceptedAs(at_panel?.id ?? ''))
    await atBarrier(app.db, lock(order.id), [() => recordPlacements(app, [late]), look])
    expect(await orderNow(shop, order.id)).toMatchObject({ state: 'pending', provider_order_id: at_panel?.id })
    expect(await shop.prepaid()).toBe(opening - order.expected_cost)
    await expectSound(app)
  })

  test('while the same is being sent again nobody resolves it otherwise, nor does the clock, and older ends of it change nothing', async () => {
    const { app, control, lost, look, now } = await setup(BY_KEY)
    const order = await lost('cut_before')
    await control.setFaults({ delay: { probability: 1, ms: 600, actions: ['add'] } })
    const looking = look()
    await expect.poll(async () => (await now(order)).state, { interval: 5 }).toBe('dispatching')
    for (const kind of ['refund', 'resend'] as const) {
      const outcome = await resolveOrder(app, order.id, { kind }, { kind: 'user', user_id: 5n })
      expect(outcome).toMatchObject({ ok: false, code: 'order_not_waiting' })
    }
    await app.db.query(`update orders.orders set waiting_since = now() - interval '1 year'`)
    await expireWaitingOrders(app)
    await recordPlacements(app, [ended(order, { outcome: 'rejected', code: 'bad_link', message: 'late' })])
    expect((await now(order)).state).toBe('dispatching')
    await looking
    expect((await now(order)).state).toBe('pending')
    expect((await control.summary()).orders_accepted).toBe(1)
    await expectSound(app)
  })

  test('while the same is being sent again its case stays: though a look comes by, and the sender dies, it is looked at again', async () => {
    const { app, providers, lost, look, now } = await setup(BY_KEY)
    const order = await lost('cut_before')
    await app.db.query('update orders.unknown_case set next_try_at = now()')
    await resolveUnknown(app, providers, () => Promise.reject(new Error('died')))
    expect((await now(order)).state).toBe('dispatching')
    await look()
    await app.db.query(`update orders.orders set claimed_until = now() - interval '1 second'`)
    await sweepDispatches(app)
    expect((await now(order)).state).toBe('unknown')
    await look()
    expect((await now(order)).state).toBe('pending')
    await expectSound(app)
  })

  test('a worker that dies while it sends again leaves the order unknown, and the next proves it', async () => {
    const { app, control, lost, look, now } = await setup(BY_KEY)
    const order = await lost('cut_after')
    await control.setFaults({ delay: { probability: 1, limit: 1, ms: 600, actions: ['add'] } })
    const looking = look()
    await expect.poll(async () => (await now(order)).state, { interval: 5 }).toBe('dispatching')
    await app.db.query(`update orders.orders set claimed_until = now() - interval '1 second'`)
    await sweepDispatches(app)
    expect((await now(order)).state).toBe('unknown')
    await looking
    expect((await now(order)).state).toBe('pending')
    await expectSound(app)
  })
})
