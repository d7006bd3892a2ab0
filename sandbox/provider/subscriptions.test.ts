import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { controlOf } from './client.ts'
import { startProviderPanel } from './start-provider-panel.ts'
import { startTestPanel, TEST_PACE, type TestPanel } from './test-panel.ts'

const SUBSCRIBE = { action: 'add', service: '1602', username: 'ada', min: '10', max: '20', delay: '0' }

/** A subscription of this kind; its id, and how it stands. */
async function subscribe({ ask }: TestPanel, fields: Record<string, string> = {}) {
  const { order } = (await ask({ ...SUBSCRIBE, ...fields })) as { order: number }
  return { id: String(order), row: () => ask({ action: 'status', order: String(order) }) }
}

test('a subscription costs nothing, and each post that comes with time is an order with a charge of its own', async () => {
  const panel = await startTestPanel()
  const { id, row } = await subscribe(panel)
  expect(await row()).toEqual({
    ...{ charge: '0.00', start_count: '0', status: 'Active', remains: '0', currency: 'USD', posts: 0 },
    orders: [],
  })
  panel.pass(35_000)
  expect(await row()).toMatchObject({ charge: '0.00', posts: 3, orders: [100_002, 100_003, 100_004] })
  const posts = (await panel.control.allOrders()).filter(({ parent }) => parent === id)
  expect(posts.map(({ quantity, charge, status }) => [quantity, charge, status])).toEqual([
    [20, '1.70', 'In progress'],
    [20, '1.70', 'Processing'],
    [20, '1.70', 'Pending'],
  ])
  expect((await panel.control.summary()).balance).toBe('24994.90')
  panel.pass(100_000)
  expect(await panel.ask({ action: 'status', order: '100002' })).toMatchObject({ status: 'Completed', charge: '1.70' })
})

test('it begins with old posts, ends with as many new ones as were wanted, and waits its delay', async () => {
  const panel = await startTestPanel()
  const { row } = await subscribe(panel, { posts: '2', old_posts: '2', delay: '5' })
  expect(await row()).toMatchObject({ status: 'Active', posts: 2, remains: '2' })
  panel.pass(300_000)
  expect(await row()).toMatchObject({ posts: 2 })
  panel.pass(15_000)
  expect(await row()).toMatchObject({ status: 'Active', posts: 3, remains: '1' })
  panel.pass(1_000_000)
  expect(await row()).toMatchObject({ status: 'Completed', posts: 4, remains: '0' })
})

test('it expires after its last day, is cancelled when that is asked for, and its posts go on', async () => {
  const panel = await startTestPanel({ pace: { complete_ms_min: 100_000, complete_ms_max: 100_000, post_every_ms: 0 } })
  const expiring = await subscribe(panel, { expiry: '1/1/2026' })
  const cancelled = await subscribe(panel)
  const { id: post } = await panel.control.post(cancelled.id, { quantity: 12 })
  panel.pass(86_399_000)
  expect(await expiring.row()).toMatchObject({ status: 'Active' })
  panel.pass(1_000)
  expect(await expiring.row()).toMatchObject({ status: 'Expired' })
  expect(await panel.ask({ action: 'cancel', orders: cancelled.id })).toEqual([
    { order: Number(cancelled.id), cancel: 1 },
  ])
  expect(await cancelled.row()).toMatchObject({ status: 'Canceled', orders: [Number(post)] })
  expect(await panel.ask({ action: 'status', order: post })).toMatchObject({ status: 'Completed', charge: '1.02' })
  expect(await panel.ask({ action: 'cancel', orders: cancelled.id })).toEqual([
    { order: Number(cancelled.id), cancel: { error: 'This order can not be canceled' } },
  ])
})

test('it pauses when the balance does not hold the next post, and goes on when it does', async () => {
  const panel = await startTestPanel({ balance: '2.00' })
  const { row } = await subscribe(panel)
  panel.pass(20_000)
  expect(await row()).toMatchObject({ status: 'Paused', posts: 1 })
  await panel.control.addBalance('10')
  expect(await row()).toMatchObject({ status: 'Active', posts: 2 })
  expect(await panel.control.summary()).toMatchObject({ balance: '8.60', charged_net: '3.40' })
})

test.each([
  ['username', ' '],
  ['min', '0'],
  ['min', 'x'],
  ['max', '9'],
  ['delay', '7'],
  ['delay', ''],
  ['posts', '-1'],
  ['posts', '1001'],
  ['old_posts', 'x'],
  ['expiry', '31.12.2030'],
  ['expiry', '32/12/2030'],
])('%s: %j is refused', async (name, value) => {
  const { ask } = await startTestPanel()
  expect(await ask({ ...SUBSCRIBE, [name]: value })).toEqual({ error: `Incorrect ${name.replaceAll('_', ' ')}` })
})

test('the limits of the service are those of each post', async () => {
  const { ask } = await startTestPanel()
  expect(await ask({ ...SUBSCRIBE, max: '51' })).toEqual({ error: 'Quantity more than maximum 50' })
  expect(await ask({ ...SUBSCRIBE, service: '101', link: 'ada' })).toEqual({ error: 'Bad link' })
})

test('the door lists what is not its own, and refuses what is no subscription', async () => {
  const panel = await startTestPanel()
  const other = await panel.place()
  const { id, row } = await subscribe(panel)
  await panel.control.post(id, { order: other })
  expect(await row()).toMatchObject({ orders: [Number(other)] })
  await expect(panel.control.post(other)).rejects.toThrow('id: no such subscription')
  await expect(panel.control.finish(id, { status: 'Partial', remains: 1 })).rejects.toThrow('never Partial')
  await expect(panel.control.finish(other, { status: 'Expired' })).rejects.toThrow('of subscriptions alone')
})

test('subscriptions and their posts outlive the process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'saldo-panel-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  let now_ms = Date.parse('2026-01-01T00:00:00Z')
  const options = { key: 'k', state_file: join(folder, 'panel.jsonl'), pace: TEST_PACE, now_ms: () => now_ms }
  const first = await startProviderPanel(options)
  const control = controlOf(first.control_url)
  const { action: _, ...order } = SUBSCRIBE
  const [id = ''] = (await control.enterOrders([{ ...order, posts: '5' }])).ids
  now_ms += 25_000
  const before = await control.allOrders()
  expect(before.map(({ parent }) => parent)).toEqual([null, id, id])
  await first.close()
  const second = await startProviderPanel(options)
  onTestFinished(() => second.close())
  const again = controlOf(second.control_url)
  expect(await again.allOrders()).toEqual(before)
  now_ms += 10_000
  expect(await again.allOrders()).toHaveLength(4)
})
