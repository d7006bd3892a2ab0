import { openApp } from '#server/app.ts'
import { startMessageWork } from '#server/domains/notifications/messages/jobs.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'

/** What a worker does with messages, as a process of its own that can be killed. Says `ready` when it sends. */
const [url = '', home = '', smtp_url = ''] = process.argv.slice(2)
const config = readConfig({
  SALDO_MODE: 'sandbox',
  SALDO_HOME: home,
  SALDO_LOG_LEVEL: 'silent',
  SALDO_DB_CONNECTIONS: '4',
  SALDO_SMTP_URL: smtp_url,
  SALDO_MAIL_FROM: 'house@example.com',
})
const app = await openApp(config, url, 'saldo-test-messages')
startMessageWork(app, await openSecrets(config))
process.send?.('ready')
// Nobody is left to say so.
process.once('disconnect', () => process.exit())
