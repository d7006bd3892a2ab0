import { claimOrders } from '#server/domains/orders/dispatching/claim-orders.ts'
import { recordPlacements } from '#server/domains/orders/dispatching/record-placements.ts'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import type { BenchContext } from './bench.ts'
import type { BenchShop, PanelProcess } from './product.ts'

/** Placements in one transaction. */
const CHUNK = 500

/** More than all of them cost. */
const BUDGET = 10n ** 12n

/** Places subscriptions, each of a customer's name of its own, which the panel has: it finds a post for each as often as its pace says. */
export async function placeSubscriptions(
  { app, say }: BenchContext,
  shop: BenchShop,
  panel: PanelProcess,
  count: number,
): Promise<void> {
  say(`Placing ${count} subscriptions …`)
  const [service] = shop.services
    .filter(({ type }) => type === 'Subscriptions')
    .sort((a, b) => (a.rate < b.rate ? -1 : 1))
  if (!service) throw new Error('the panel sells no subscriptions')
  const { id: customer_id } = await shop.customer()
  const terms = { min: '1', max: '1', delay: '0' }
  const names = Array.from({ length: count }, (_, i) => `account-${i}`)
  const orders = names.map((username) => ({ customer_id, service_id: service.id, link: '', username, ...terms }))
  for (const outcome of await placeOrders(app, orders)) {
    if (!outcome.ok) throw new Error(`a subscription was refused: ${outcome.refusal.code}`)
  }
  const { claimed } = await claimOrders(app, {
    ...{ provider_id: service.provider_id, room: count, budget: BUDGET, lease_ms: 600_000, after_customer: 0n },
    balance: { amount: BUDGET, asked_at: new Date(Date.now() + 60_000) },
    idempotency: 'none',
  })
  const { ids } = await panel.control.enterOrders(
    names.map((username) => ({ service: service.provider_service_id, username, ...terms })),
  )
  const placements = claimed.map((order, i) => ({
    order_id: order.id,
    key: order.attempt ?? '',
    outcome: { outcome: 'accepted', provider_order_id: ids[i] as string, charge: undefined } as const,
  }))
  if (placements.length !== count) throw new Error(`${placements.length} of ${count} subscriptions were claimed`)
  for (let at = 0; at < count; at += CHUNK) await recordPlacements(app, placements.slice(at, at + CHUNK))
}
