import { readConfig } from '#server/platform/config/config.ts'
import { startApi } from '#server/roles/api.ts'
import { openSaldo } from '#server/roles/open-saldo.ts'

/** The doors as a process of its own that can be killed. Says its address when it answers. */
const [url = '', home = ''] = process.argv.slice(2)
const config = readConfig({
  SALDO_MODE: 'sandbox',
  SALDO_HOME: home,
  SALDO_LOG_LEVEL: 'silent',
  SALDO_DB_CONNECTIONS: '4',
  PORT: '0',
})
const saldo = await openSaldo(config, url, 'saldo-test-api')
const api = await startApi(saldo)
process.send?.(api.url)
// Nobody is left to say so.
process.once('disconnect', () => process.exit())
