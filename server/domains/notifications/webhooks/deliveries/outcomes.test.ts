import { expect, onTestFinished, test } from 'vitest'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { on } from '#server/platform/outbox/subscription.ts'
import { startNameServer } from '#test/support/name-server.ts'
import { openWebhookHouse, type WebhookHouse } from '#test/support/webhooks.ts'
import { type WebhookDisabled, webhookDisabled } from '../events.ts'
import { startWebhookWork } from '../jobs.ts'

const HOUR_MS = 3_600_000

/** The house after one event to a webhook whose receiver has this fault, which is delivered or not as `state` says. */
async function afterOne(fault: object, state: 'delivered' | 'failed' | 'waiting' = 'failed', settings: object = {}) {
  const house = await openWebhookHouse()
  await house.set({ retry_waits: [], ...settings })
  await house.receiver.setFaults(fault)
  const webhook = await house.webhook('shop')
  const work = house.work()
  await house.tell(webhook.user_id)
  work.wake()
  await house.until(webhook.id, [state])
  const [delivery] = await house.deliveries(webhook.id)
  if (!delivery) throw new Error('no delivery')
  return { house, webhook, work, attempts: await house.attempts(delivery) }
}

/** What was published of webhooks that were disabled. */
async function disabledOf(house: WebhookHouse): Promise<WebhookDisabled[]> {
  const told: WebhookDisabled[] = []
  const hear = on(webhookDisabled, async (_tx, _app, events) => void told.push(...events.map((each) => each.payload)))
  while (await publishFresh(house.app, [hear]));
  return told
}

test('a redirect is not followed: who sends one did not get the event', async () => {
  const house = await openWebhookHouse()
  await house.set({ retry_waits: [] })
  const [from, to] = [await house.webhook('from'), await house.webhook('to')]
  await house.receiver.setFaults({ redirect: { to: 'from', text: `${house.receiver_url}/hooks/to` } })
  const work = house.work()
  await house.tell(from.user_id)
  work.wake()
  await house.until(from.id, ['failed'])
  expect(await house.receiver.received({ hook: 'to' })).toEqual([])
  expect(await house.deliveries(from.id)).toMatchObject([{ attempts: 1, last_status: 302 }])
  expect(await house.deliveries(to.id)).toEqual([])
})

test('of an answer without end only the beginning is read and kept, and its status counts', async () => {
  const { attempts } = await afterOne({ huge: 1 }, 'delivered')
  expect(attempts).toMatchObject([{ status: 200, failure: null }])
  const kept = attempts[0]?.response_body ?? ''
  expect(kept.length).toBeGreaterThan(1_000)
  expect(kept.length).toBeLessThanOrEqual(4_100)
})

test('an answer that does not come in time is a failed attempt, and is tried again as the schedule says', async () => {
  const { house, webhook, attempts } = await afterOne({ hang: { limit: 1 } }, 'waiting', {
    timeout_ms: 200,
    retry_waits: [1],
  })
  expect(attempts).toMatchObject([{ number: 1, status: null, failure: 'timeout' }])
  expect(attempts[0]?.duration_ms).toBeGreaterThanOrEqual(200)
  await house.until(webhook.id, ['delivered'])
  expect(await house.receiver.summary()).toMatchObject({ requests: 2, events: 1, repeated: 1 })
  await house.receiver.cut()
})

test('a receiver that answers 410 is disabled at once, and its owner is told of it', async () => {
  const { house, webhook } = await afterOne({ gone: 1 }, 'failed', { retry_waits: [1, 1] })
  expect(await house.webhookNow(webhook.id)).toMatchObject({ state: 'disabled', disabled_reason: 'gone' })
  const { id: webhook_id, user_id } = webhook
  expect(await disabledOf(house)).toMatchObject([{ webhook_id, user_id, reason: 'gone' }])
  // What happens from now on is kept for a replay.
  await house.tell(webhook.user_id)
  const [kept] = await house.deliveries(webhook.id)
  expect(kept).toMatchObject({ state: 'failed', reason: 'webhook_disabled', attempts: 0 })
})

test('a receiver that answers nothing but failures for as long as the setting says is disabled, and its owner told once', async () => {
  const { house, webhook, work } = await afterOne({ http: 1 }, 'failed', { disable_after_hours: 5 })
  const fail = async (states: number) => {
    await house.tell(webhook.user_id)
    work.wake()
    await house.until(webhook.id, Array(states).fill('failed'))
    return (await house.webhookNow(webhook.id)).state
  }
  house.app.clock.ahead_ms = 4 * HOUR_MS
  expect(await fail(2)).toBe('enabled')
  house.app.clock.ahead_ms = 6 * HOUR_MS
  expect(await fail(3)).toBe('disabled')
  expect(await house.webhookNow(webhook.id)).toMatchObject({ disabled_reason: 'failing' })
  expect(await disabledOf(house)).toHaveLength(1)
})

test('a name that leads to a private address is asked once and not called', async () => {
  const house = await openWebhookHouse()
  await house.set({ retry_waits: [] })
  const port = new URL(house.receiver_url).port
  const names = await startNameServer({ 'shop.example': () => ['127.0.0.1'] })
  const webhook = await house.webhook('shop', { url: `http://shop.example:${port}/hooks/shop` })
  const app = { ...house.app, config: { ...house.app.config, allow_private_addresses: false } }
  const work = startWebhookWork(app, { secrets: house.secrets, name_servers: [names.address] })
  onTestFinished(() => work.stop())
  await house.tell(webhook.user_id)
  work.wake()
  await house.until(webhook.id, ['failed'])
  expect(await house.deliveries(webhook.id)).toMatchObject([{ last_status: null, last_failure: 'address_refused' }])
  expect(names.asked('shop.example')).toBe(1)
  expect(await house.receiver.received()).toEqual([])
})
