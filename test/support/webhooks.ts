import { expect, onTestFinished } from 'vitest'
import { type ReceiverControl, receiverControlOf } from '#sandbox/webhook-receiver/client.ts'
import { startWebhookReceiver } from '#sandbox/webhook-receiver/start-webhook-receiver.ts'
import type { OpenApp } from '#server/app.ts'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createWebhook, type NewWebhook } from '#server/domains/notifications/webhooks/create-webhook.ts'
import type { EventTypeName } from '#server/domains/notifications/webhooks/event-types.ts'
import { startWebhookWork, type WebhookWork } from '#server/domains/notifications/webhooks/jobs.ts'
import {
  type AttemptRow,
  type DeliveryRow,
  findDelivery,
  findWebhook,
  listDeliveries,
} from '#server/domains/notifications/webhooks/queries.ts'
import { tellWebhooks } from '#server/domains/notifications/webhooks/tell-webhooks.ts'
import type { Webhook } from '#server/domains/notifications/webhooks/webhook.ts'
import { newUuid } from '#server/kit/id.ts'
import { openSecrets, type Secrets } from '#server/platform/secrets/secrets.ts'
import { testApp } from './app.ts'
import type { MovableClock } from './identity.ts'
import { putSetting } from './settings.ts'

/** A house whose customers have webhooks at a receiver of the sandbox. */
export interface WebhookHouse {
  app: OpenApp & { clock: MovableClock }
  secrets: Secrets
  receiver: ReceiverControl
  receiver_url: string
  user(): Promise<bigint>
  /** A webhook at the receiver's hook of this name, which knows its secret. */
  webhook(hook: string, options?: Partial<NewWebhook>): Promise<Webhook & { secret: string }>
  /** Tells a user of something, as a publisher would. */
  tell(user_id: bigint, type?: EventTypeName, data?: Record<string, string>): Promise<void>
  /** A worker's part; stopped when the test ends. */
  work(): WebhookWork
  /** The deliveries to a webhook, newest event first. */
  deliveries(webhook_id: bigint): Promise<DeliveryRow[]>
  attempts(delivery: Pick<DeliveryRow, 'webhook_id' | 'event_id'>): Promise<AttemptRow[]>
  webhookNow(id: bigint): Promise<Webhook>
  /** Waits until the deliveries to a webhook are as given, newest event first. */
  until(webhook_id: bigint, states: readonly DeliveryRow['state'][]): Promise<void>
  /** Sets settings of webhooks, by their last name. */
  set(settings: Record<string, unknown>): Promise<void>
}

/** Opens one on a database of the calling test's own; everything is closed when that test ends. */
export async function openWebhookHouse(options: { url?: string; connections?: number } = {}): Promise<WebhookHouse> {
  const opened = await testApp(options)
  const clock: MovableClock = { ...opened.clock, ahead_ms: 0, now: () => new Date(Date.now() + clock.ahead_ms) }
  const app = { ...opened, clock }
  const secrets = await openSecrets(app.config)
  const receiver = await startWebhookReceiver()
  onTestFinished(() => receiver.close())
  const control = receiverControlOf(receiver.url)
  const user = async () => {
    return (await createUser(app, { email: `${newUuid()}@example.com`, password: newUuid(), role: 'customer' })).id
  }
  const deliveries = (webhook_id: bigint) => listDeliveries(app.db, { webhook_ids: [webhook_id], limit: 1_000 })
  return {
    app,
    secrets,
    receiver: control,
    receiver_url: receiver.url,
    user,
    webhook: async (hook, given = {}) => {
      const user_id = given.user_id ?? (await user())
      const wanted = { url: `${receiver.url}/hooks/${hook}`, description: '', event_types: ['*'], ...given, user_id }
      const { webhook, secret } = await createWebhook(app, secrets, { signature: 'standard', ...wanted }, SYSTEM)
      await control.setSecrets({ [hook]: secret })
      return { ...webhook, secret }
    },
    tell: async (user_id, type = 'order.completed', data = { id: newUuid() }) => {
      const news = [{ user_id, type, at: clock.now(), data: () => data }]
      await app.db.transaction((tx) => tellWebhooks(tx, app, news))
    },
    work: () => {
      const work = startWebhookWork(app, { secrets })
      onTestFinished(() => work.stop())
      return work
    },
    deliveries,
    attempts: async ({ webhook_id, event_id }) => (await findDelivery(app.db, webhook_id, event_id))?.attempts ?? [],
    webhookNow: async (webhook_id) => {
      const webhook = await findWebhook(app.db, { webhook_id, user_id: undefined })
      if (!webhook) throw new Error(`no webhook ${webhook_id}`)
      return webhook
    },
    until: async (webhook_id, states) => {
      const now = async () => (await deliveries(webhook_id)).map((each) => each.state)
      await expect.poll(now, { timeout: 15_000, interval: 20 }).toEqual(states)
    },
    set: async (settings) => {
      for (const [name, value] of Object.entries(settings)) {
        await putSetting(app.db, { name: `webhooks.${name}` }, value)
      }
      await app.settings.refresh()
    },
  }
}
