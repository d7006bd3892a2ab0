import { setTimeout as delay } from 'node:timers/promises'
import { openApp } from '#server/app.ts'
import { openAuthentication } from '#server/domains/identity/authentication.ts'
import { guardRoutes, principalOf } from '#server/domains/identity/guard-routes.ts'
import { depositRoutes } from '#server/domains/payments/deposits/routes.ts'
import { staffDepositRoutes } from '#server/domains/payments/deposits/staff-routes.ts'
import { promoCodeRoutes } from '#server/domains/payments/promo-codes/routes.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { openHttp } from '#server/platform/http/http.ts'
import { keepAnswers } from '#server/platform/idempotency/once.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'

const ANSWER_MS = 100

/** The doors for promo codes and deposits, of all that the API has, as a process of its own that can be killed: it is there in a third of the API's time. Says its address when it answers. */
const [url = '', home = ''] = process.argv.slice(2)
const config = readConfig({
  SALDO_MODE: 'sandbox',
  SALDO_HOME: home,
  SALDO_LOG_LEVEL: 'silent',
  SALDO_DB_CONNECTIONS: '12',
})
const app = await openApp(config, url, 'saldo-test-promo')
const secrets = await openSecrets(config)
const http = openHttp({ config, log: app.log, metrics: app.metrics, checks: {} })
// As on a slow line: a kill finds answers that nobody has heard to what is done.
http.app.addHook('onSend', () => delay(Math.random() * ANSWER_MS))
const authentication = await openAuthentication(app, secrets)
await http.app.register(async (doors) => {
  guardRoutes(doors, authentication)
  keepAnswers(doors, { app, secrets, callerOf: (request) => `user:${principalOf(request).user_id}` })
  await doors.register(promoCodeRoutes(app))
  await doors.register(depositRoutes(app))
  await doors.register(staffDepositRoutes(app))
})
process.send?.(await http.listen({ host: '127.0.0.1', port: 0 }))
// Nobody is left to say so.
process.once('disconnect', () => process.exit())
