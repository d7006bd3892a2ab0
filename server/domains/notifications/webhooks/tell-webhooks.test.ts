import { expect, test } from 'vitest'
import { emitOrders } from '#server/domains/orders/emit-orders.ts'
import { ordersSettled } from '#server/domains/orders/events.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { openWebhookHouse } from '#test/support/webhooks.ts'
import { webhookSubscriptions } from './subscriptions.ts'

const EVENTS = 40
const PUBLISHERS = 4

test(`${PUBLISHERS} publishers at the same events make one delivery of each to each webhook that wants it`, async () => {
  const house = await openWebhookHouse()
  const shop = await house.webhook('shop')
  const { user_id } = shop
  const second = await house.webhook('second', { user_id })
  const deaf = await house.webhook('deaf', { user_id, event_types: ['order.canceled'] })
  for (let i = 1; i <= EVENTS; i++) {
    const shown = {
      ...{ status: 'Completed' as const, charge: '1.00', currency: 'USD', start_count: null, remains: '0' },
      ...{ service: '1', quantity: '10', request_id: null, drip_feed: null, run: null, subscription: null, post: null },
    }
    const order = {
      order_id: BigInt(i),
      customer_id: user_id,
      provider_id: 1n,
      state: 'completed' as const,
      version: 5n,
      shown,
    }
    await house.app.db.transaction(async (tx) => emitOrders(tx, ordersSettled, [order]))
  }
  const subscriptions = webhookSubscriptions(() => undefined)
  const publisher = async () => {
    while (await publishFresh(house.app, subscriptions));
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publisher))
  await publisher()
  const told = async (id: bigint) => (await house.deliveries(id)).length
  expect([await told(shop.id), await told(second.id), await told(deaf.id)]).toEqual([EVENTS, EVENTS, 0])
  const [events] = await house.app.db.query<{ n: number; orders: number }>(
    `select count(*)::int as n, count(distinct body::json -> 'data' ->> 'id')::int as orders from notifications.webhook_event`,
  )
  expect(events).toEqual({ n: EVENTS, orders: EVENTS })
})
