import { expect, test } from 'vitest'
import { orderRefunded, type RefillTold, refillsChanged } from '#server/domains/orders/events.ts'
import { askAdjustment } from '#server/domains/payments/adjustments/ask-adjustment.ts'
import { askDeposit } from '#server/domains/payments/deposits/ask-deposit.ts'
import { decideDeposit } from '#server/domains/payments/deposits/decide-deposit.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { editorFor, TERMINAL } from '#test/support/editors.ts'
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

test('a deposit is told as its customer sees it: asked for, then credited or refused, and the balance with it', async () => {
  const house = await openWebhookHouse()
  const { app } = house
  const { user_id } = await house.webhook('shop')
  const work = house.work()
  const ask = async (reference: string) => {
    const input = { user_id, amount: 50_000_000n, method: 'bank_transfer', reference, note: 'Between us.' }
    return (await askDeposit(app, await editorFor(app, user_id), input)).id
  }
  const [good, bad] = [await ask('A1'), await ask('A2')]
  await decideDeposit(app, TERMINAL, { id: good, verdict: 'approve', amount: 48_000_000n, reason: 'A fee.' })
  await decideDeposit(app, TERMINAL, { id: bad, verdict: 'refuse', reason: 'Not found.' })
  while (await publishFresh(app, webhookSubscriptions(work.wake)));
  const told = async () => (await house.receiver.received({ hook: 'shop' })).map(({ body }) => JSON.parse(body))
  await expect.poll(async () => (await told()).length, { timeout: 10_000 }).toBe(5)
  const of = async (type: string) => (await told()).filter((each) => each.type === type).map(({ data }) => data)
  const shown = { amount: '50.00', currency: 'USD', method: 'bank_transfer' }
  expect(await of('deposit.approved')).toEqual([
    { ...shown, id: String(good), state: 'approved', credited: '48.00', reference: 'A1', reason: 'A fee.' },
  ])
  expect(await of('deposit.refused')).toEqual([
    { ...shown, id: String(bad), state: 'refused', credited: null, reference: 'A2', reason: 'Not found.' },
  ])
  expect((await of('deposit.created')).map(({ id, state }) => [id, state]).toSorted()).toEqual([
    [String(good), 'pending'],
    [String(bad), 'pending'],
  ])
  expect(await of('balance.changed')).toMatchObject([{ balance: '48.00', available: '48.00' }])
})

test('refills and refunds are told as their customer sees them, each step by its own type', async () => {
  const house = await openWebhookHouse()
  const { user_id } = await house.webhook('shop')
  const work = house.work()
  const told = (status: RefillTold['status'], version: bigint): RefillTold => {
    return { refill_id: 7n, order_id: 5n, customer_id: user_id, status, version }
  }
  const refills = [told('Pending', 1n), told('In progress', 3n), told('Completed', 4n)]
  const shown = {
    status: 'Completed',
    charge: '0.50',
    currency: 'USD',
    start_count: null,
    remains: '0',
    service: '1',
    quantity: '10',
  } as const
  const order = {
    refund_id: 3n,
    order_id: 5n,
    customer_id: user_id,
    version: 6n,
    shown: { ...shown, request_id: null, drip_feed: null, run: null, subscription: null, post: null },
  }
  const refund = { ...order, amount: 400_000n, asset: 'USD', scale: 6, reason: 'Between us.' }
  await house.app.db.transaction(async (tx) => {
    emit(tx, refillsChanged, [{ refills }])
    emit(tx, orderRefunded, [refund])
  })
  while (await publishFresh(house.app, webhookSubscriptions(work.wake)));
  const received = async () => (await house.receiver.received({ hook: 'shop' })).map(({ body }) => JSON.parse(body))
  await expect.poll(async () => (await received()).length, { timeout: 10_000 }).toBe(4)
  const sorted = (await received()).toSorted((a, b) => Number(a.data.version) - Number(b.data.version))
  expect(sorted.map(({ type, data }) => [type, data])).toEqual([
    ['refill.created', { id: '7', order: '5', status: 'Pending', version: '1' }],
    ['refill.updated', { id: '7', order: '5', status: 'In progress', version: '3' }],
    ['refill.completed', { id: '7', order: '5', status: 'Completed', version: '4' }],
    [
      'order.refunded',
      { id: '5', ...shown, request_id: null, drip_feed: null, run: null, subscription: null, post: null, version: '6' },
    ],
  ])
})
