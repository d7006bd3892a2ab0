import { expect } from 'vitest'
import type { FaultName } from '#sandbox/provider/faults.ts'
import type { Extensions } from '#sandbox/provider/panel.ts'
import { dispatchOrders, newLane } from '#server/domains/orders/dispatching/dispatch-orders.ts'
import { type Placement, recordPlacements } from '#server/domains/orders/dispatching/record-placements.ts'
import type { Order } from '#server/domains/orders/order.ts'
import type { PlaceOrder } from '#server/domains/orders/placing/placement.ts'
import { resolveUnknown } from '#server/domains/orders/reconciling/resolve-unknown.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { orderNow, placed } from './order-book.ts'
import { openShop } from './shop.ts'

/** What a panel knows beyond the common protocol, and what it is said to know. */
export interface Mode {
  extensions: Partial<Extensions>
  provider: Partial<NewProvider>
}

export const PLAIN: Mode = { extensions: {}, provider: {} }
export const LISTING: Mode = { extensions: { orders_list: true }, provider: { lists_orders: true } }
export const BY_KEY: Mode = { extensions: { request_id: true }, provider: { idempotency: 'request_id' } }
export const BY_WINDOW: Mode = {
  extensions: { natural_window_ms: 120_000 },
  provider: { idempotency: 'natural_window' },
}

/** A shop whose panel is of this mode, with ways to lose answers, to look for what became of the orders, and to let time pass. */
export async function unknownOrders(mode: Mode) {
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
