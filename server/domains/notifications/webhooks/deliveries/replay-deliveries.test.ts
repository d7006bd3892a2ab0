import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { openWebhookHouse } from '#test/support/webhooks.ts'
import { DeliveryNotFoundError, WebhookDisabledError, WebhookNotFoundError } from '../errors.ts'
import { switchWebhook } from '../switch-webhook.ts'
import { replayDeliveries, replayDelivery } from './replay-deliveries.ts'

/** More than one call replays. */
const MANY = 1_003

/** A webhook with three events, of which two have failed. */
async function setup() {
  const house = await openWebhookHouse()
  const webhook = await house.webhook('shop')
  for (let i = 0; i < 3; i++) await house.tell(webhook.user_id)
  await house.app.db.query(
    `update notifications.webhook_delivery set state = 'failed', due_at = null, attempts = 1, tries = 1
    where event_id in (select event_id from notifications.webhook_delivery order by event_id limit 2)`,
  )
  await house.app.db.query(
    `update notifications.webhook_delivery set state = 'delivered', due_at = null, delivered_at = now() where state = 'due'`,
  )
  const of = { webhook_id: webhook.id, user_id: webhook.user_id }
  const events = (await house.deliveries(webhook.id)).map((each) => each.event_id)
  const states = async () => (await house.deliveries(webhook.id)).map((each) => each.state)
  return { house, webhook, of, events, states }
}

const EVER = { since: new Date(0), until: new Date('2100-01-01') }

test('one delivery is sent again under the same id, and twice at the same moment is once', async () => {
  const { house, webhook, of, events } = await setup()
  const [delivered = ''] = events
  const replay = () => replayDelivery(house.app, of, delivered, SYSTEM)
  expect((await Promise.all([replay(), replay()])).sort()).toEqual([false, true])
  house.work().wake()
  const { id } = await house.receiver.waitFor({ hook: 'shop' })
  expect(id).toBe(`msg_${delivered.replaceAll('-', '')}`)
  await house.until(webhook.id, ['delivered', 'failed', 'failed'])
  expect(await house.receiver.summary()).toMatchObject({ requests: 1 })
})

test('all that failed is sent again, once however often it is asked, and what was delivered is not', async () => {
  const { house, of, states } = await setup()
  const replay = () => replayDeliveries(house.app, of, { ...EVER, which: 'failed' }, SYSTEM)
  const both = await Promise.all([replay(), replay()])
  expect(both.map((each) => each.replayed).sort()).toEqual([0, 2])
  expect(await states()).toEqual(['delivered', 'due', 'due'])
})

test('of a range only what was told within it is sent again, also what was delivered if so asked', async () => {
  const { house, of, states } = await setup()
  const before = { since: new Date(0), until: new Date(Date.now() - 60_000), which: 'all' } as const
  expect(await replayDeliveries(house.app, of, before, SYSTEM)).toEqual({ replayed: 0, last: undefined, more: false })
  expect(await replayDeliveries(house.app, of, { ...EVER, which: 'all' }, SYSTEM)).toMatchObject({ replayed: 3 })
  expect(await states()).toEqual(['due', 'due', 'due'])
})

test('a long range takes several calls, each bounded, and each goes on behind the last', async () => {
  const { house, webhook, of } = await setup()
  await house.app.db.query('delete from notifications.webhook_delivery')
  await house.app.db.query(
    `with event as (
      insert into notifications.webhook_event (id, user_id, type, at, body)
      select ('019a9f3c-2b7c-7a3e-8d1b-' || lpad(n::text, 12, '0'))::uuid, $1, 'order.completed', now(), '{}' from generate_series(1, $3::int) n
      returning id)
    insert into notifications.webhook_delivery (event_id, webhook_id, state, attempts, tries) select id, $2, 'failed', 1, 1 from event`,
    [webhook.user_id, webhook.id, MANY],
  )
  const first = await replayDeliveries(house.app, of, { ...EVER, which: 'failed' }, SYSTEM)
  expect(first).toMatchObject({ replayed: 1_000, more: true })
  const second = await replayDeliveries(house.app, of, { ...EVER, which: 'failed', after: first.last }, SYSTEM)
  expect(second).toMatchObject({ replayed: MANY - 1_000, more: false })
})

test('nothing is sent again to a webhook that is disabled or another’s, nor what never went to it', async () => {
  const { house, of, events, states } = await setup()
  const [event = ''] = events
  const foreign = { ...of, user_id: await house.user() }
  await expect(replayDelivery(house.app, foreign, event, SYSTEM)).rejects.toThrow(WebhookNotFoundError)
  await expect(replayDeliveries(house.app, foreign, { ...EVER, which: 'all' }, SYSTEM)).rejects.toThrow(
    WebhookNotFoundError,
  )
  await expect(replayDelivery(house.app, of, '019a9f3c-2b7c-7a3e-8d1b-0c9e5f7a1d2e', SYSTEM)).rejects.toThrow(
    DeliveryNotFoundError,
  )
  await switchWebhook(house.app, of, { on: false, by: 'owner' }, SYSTEM)
  await expect(replayDelivery(house.app, of, event, SYSTEM)).rejects.toThrow(WebhookDisabledError)
  await expect(replayDeliveries(house.app, of, { ...EVER, which: 'all' }, SYSTEM)).rejects.toThrow(WebhookDisabledError)
  expect(await states()).toEqual(['delivered', 'failed', 'failed'])
})
