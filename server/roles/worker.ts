import { startAuditWork } from '#server/domains/audit/jobs.ts'
import { identitySubscriptions } from '#server/domains/identity/jobs.ts'
import { startLedgerWork } from '#server/domains/ledger/jobs.ts'
import { startAlertWork } from '#server/domains/notifications/alerts/jobs.ts'
import { alertSubscriptions } from '#server/domains/notifications/alerts/subscriptions.ts'
import { startMessageWork } from '#server/domains/notifications/messages/jobs.ts'
import { messageSubscriptions } from '#server/domains/notifications/messages/subscriptions.ts'
import { startWebhookWork } from '#server/domains/notifications/webhooks/jobs.ts'
import { webhookSubscriptions } from '#server/domains/notifications/webhooks/subscriptions.ts'
import { orderSubscriptions, startOrderWork } from '#server/domains/orders/jobs.ts'
import { startJobRunner } from '#server/platform/jobs/runner.ts'
import { startPublisher } from '#server/platform/outbox/publisher.ts'
import type { Saldo } from './open-saldo.ts'

/** The worker: dispatches and follows orders, seals ledger and audit, sends messages, calls webhooks, runs jobs, publishes events. As many as wanted run side by side. */
export function startWorker({ app, providers, secrets }: Saldo): { stop(): Promise<void> } {
  const orders = startOrderWork(app, providers)
  const ledger = startLedgerWork(app)
  const audit = startAuditWork(app)
  const runner = startJobRunner(app, [])
  const messages = startMessageWork(app, secrets)
  const alerts = startAlertWork(app)
  const webhooks = startWebhookWork(app, { secrets })
  const publisher = startPublisher(app, [
    ...orderSubscriptions(orders.wakeDispatcher),
    ...identitySubscriptions,
    ...messageSubscriptions,
    ...alertSubscriptions,
    ...webhookSubscriptions(webhooks.wake),
  ])
  return {
    // Orders first: their outcomes still become events.
    stop: async () => {
      await orders.stop()
      const others = [alerts, messages, webhooks, ledger, audit]
      await Promise.all([runner, publisher, ...others].map((each) => each.stop()))
    },
  }
}
