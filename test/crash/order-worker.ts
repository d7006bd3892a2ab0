import { openApp } from '#server/app.ts'
import { orderSubscriptions, startOrderWork } from '#server/domains/orders/jobs.ts'
import { openProviders } from '#server/domains/providers/registry.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { startPublisher } from '#server/platform/outbox/publisher.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'

/** What a worker does with orders, as a process of its own that can be killed. Says `ready` when it works; stops in good order when its parent says so. */
const [url = '', home = ''] = process.argv.slice(2)
const config = readConfig({
  SALDO_MODE: 'sandbox',
  SALDO_HOME: home,
  SALDO_LOG_LEVEL: 'silent',
  SALDO_DB_CONNECTIONS: '4',
})
const app = await openApp(config, url, 'saldo-test-worker')
const providers = openProviders({ ...app, secrets: await openSecrets(config) })
const work = startOrderWork(app, providers)
const publisher = startPublisher(app, orderSubscriptions(work.wakeDispatcher))
process.send?.('ready')

process.once('message', async () => {
  await work.stop()
  await publisher.stop()
  await providers.close()
  await app.close()
  process.disconnect()
})
// Nobody is left to say so.
process.once('disconnect', () => process.exit())
