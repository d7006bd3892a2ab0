import { expect, test } from 'vitest'
import { askAdjustment } from '#server/domains/payments/adjustments/ask-adjustment.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { TERMINAL } from '#test/support/editors.ts'
import { openWebhookHouse } from '#test/support/webhooks.ts'
import { webhookSubscriptions } from './subscriptions.ts'

test('an adjustment by staff is told as a changed balance: how the wallet stands, and nothing of the reason', async () => {
  const house = await openWebhookHouse()
  const { user_id } = await house.webhook('shop', { event_types: ['balance.changed'] })
  const work = house.work()
  for (const amount of [12_500_000n, -2_250_000n]) {
    await askAdjustment(house.app, TERMINAL, { user_id, amount, reason: 'Between us.' })
  }
  while (await publishFresh(house.app, webhookSubscriptions(work.wake)));
  const told = async () => (await house.receiver.received({ hook: 'shop' })).map(({ body }) => JSON.parse(body).data)
  await expect.poll(async () => (await told()).length, { timeout: 10_000 }).toBe(2)
  const wallets = (await told()).toSorted((a, b) => Number(a.version) - Number(b.version))
  expect(wallets).toEqual([
    { balance: '12.50', held: '0.00', available: '12.50', currency: 'USD', version: expect.any(String) },
    { balance: '10.25', held: '0.00', available: '10.25', currency: 'USD', version: expect.any(String) },
  ])
})
