import { openApp } from '#server/app.ts'
import { startWebhookWork } from '#server/domains/notifications/webhooks/jobs.ts'
import { webhookSubscriptions } from '#server/domains/notifications/webhooks/subscriptions.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { startPublisher } from '#server/platform/outbox/publisher.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'

/** What a worker does about webhooks, as a process of its own that can be killed. Says `ready` when it works; stops in good order when its parent says so. */
const [url = '', home = ''] = process.argv.slice(2)
const config = readConfig({
  SALDO_MODE: 'sandbox',
  SALDO_HOME: home,
  SALDO_LOG_LEVEL: 'silent',
  SALDO_DB_CONNECTIONS: '4',
})
const app = await openApp(config, url, 'saldo-test-worker')
const work = startWebhookWork(app, { secrets: await openSecrets(config) })
const publisher = startPublisher(app, webhookSubscriptions(work.wake))
process.send?.('ready')

process.once('message', async () => {
  await publisher.stop()
  await work.stop()
  await app.close()
  process.disconnect()
})
// Nobody is left to say so.
process.once('disconnect', () => process.exit())
