import type { FastifyInstance } from 'fastify'
import { exchangeRateRoutes } from '#server/domains/catalog/exchange-rates/routes.ts'
import { serviceHistoryRoutes } from '#server/domains/catalog/history/routes.ts'
import { markupRoutes } from '#server/domains/catalog/markups/routes.ts'
import { offerRoutes } from '#server/domains/catalog/offers/routes.ts'
import { pricePlanRoutes } from '#server/domains/catalog/plans/routes.ts'
import { refreshRoutes } from '#server/domains/catalog/refresh/routes.ts'
import { catalogRoutes } from '#server/domains/catalog/routes.ts'
import { sourceRoutes } from '#server/domains/catalog/sources/routes.ts'
import { staffServiceRoutes } from '#server/domains/catalog/staff-routes.ts'
import { areaRoutes } from '#server/domains/identity/areas/routes.ts'
import { type Authentication, openAuthentication } from '#server/domains/identity/authentication.ts'
import { guardRoutes, knownPrincipal, principalOf } from '#server/domains/identity/guard-routes.ts'
import { countRateLimited } from '#server/domains/identity/keys/count-rate-limited.ts'
import { staffKeyRoutes } from '#server/domains/identity/keys/staff-key-routes.ts'
import { catalogueOf } from '#server/domains/identity/rights/catalogue.ts'
import { rightsRoutes } from '#server/domains/identity/rights/routes.ts'
import { identityRoutes } from '#server/domains/identity/routes.ts'
import { staffRoutes } from '#server/domains/identity/staff/routes.ts'
import { alertRoutes } from '#server/domains/notifications/alerts/routes.ts'
import { telegramRoutes } from '#server/domains/notifications/channels/telegram/routes.ts'
import { inboxRoutes } from '#server/domains/notifications/inbox/routes.ts'
import { messageRoutes } from '#server/domains/notifications/messages/routes.ts'
import { preferenceRoutes } from '#server/domains/notifications/preferences/routes.ts'
import { templateRoutes } from '#server/domains/notifications/templates/routes.ts'
import { webhookRoutes } from '#server/domains/notifications/webhooks/routes.ts'
import { staffWebhookRoutes } from '#server/domains/notifications/webhooks/staff-routes.ts'
import { auditRoutes } from '#server/domains/operations/audit/routes.ts'
import { criticalErrorRoutes } from '#server/domains/operations/critical-errors/routes.ts'
import { queueRoutes } from '#server/domains/operations/queues/routes.ts'
import { settingRoutes } from '#server/domains/operations/settings/routes.ts'
import { cancelRoutes } from '#server/domains/orders/cancelling/routes.ts'
import { openCustomerReads } from '#server/domains/orders/customer-reads.ts'
import { deskExportRoutes } from '#server/domains/orders/desk/export-routes.ts'
import { deskProviderRoutes } from '#server/domains/orders/desk/provider-routes.ts'
import { placeToProviderRoute } from '#server/domains/orders/desk/resubmit-routes.ts'
import { deskRoutes } from '#server/domains/orders/desk/routes.ts'
import { dripFeedRoutes } from '#server/domains/orders/drip-feed/routes.ts'
import { orderExportRoutes } from '#server/domains/orders/export-routes.ts'
import { financeExportRoutes } from '#server/domains/orders/finance/export-routes.ts'
import { financeRoutes } from '#server/domains/orders/finance/routes.ts'
import { topupRoutes } from '#server/domains/orders/finance/topup-routes.ts'
import { hintRoutes } from '#server/domains/orders/hints/routes.ts'
import { limitRoutes } from '#server/domains/orders/limits/routes.ts'
import { panelApiRoutes } from '#server/domains/orders/panel-api/routes.ts'
import { openPlaceOrder } from '#server/domains/orders/placing/place-order.ts'
import { quotaRoutes } from '#server/domains/orders/quotas/routes.ts'
import { reconciliationRoutes } from '#server/domains/orders/reconciling/routes.ts'
import { refillRoutes } from '#server/domains/orders/refilling/routes.ts'
import { staffRefillRoutes } from '#server/domains/orders/refilling/staff-routes.ts'
import { refundRoutes } from '#server/domains/orders/refunding/routes.ts'
import { orderRoutes } from '#server/domains/orders/routes.ts'
import { providerHealthRoutes } from '#server/domains/orders/routing/routes.ts'
import { subscriptionRoutes } from '#server/domains/orders/subscriptions/routes.ts'
import { usageRoutes } from '#server/domains/orders/usage/routes.ts'
import { waitLimitRoutes } from '#server/domains/orders/waiting/routes.ts'
import { adjustmentRoutes } from '#server/domains/payments/adjustments/routes.ts'
import { bonusRoutes } from '#server/domains/payments/bonuses/routes.ts'
import { depositRoutes } from '#server/domains/payments/deposits/routes.ts'
import { staffDepositRoutes } from '#server/domains/payments/deposits/staff-routes.ts'
import { promoCodeRoutes } from '#server/domains/payments/promo-codes/routes.ts'
import { staffPromoCodeRoutes } from '#server/domains/payments/promo-codes/staff-routes.ts'
import { providerRoutes } from '#server/domains/providers/routes.ts'
import { type Http, openHttp } from '#server/platform/http/http.ts'
import { keepAnswers } from '#server/platform/idempotency/once.ts'
import { limitCallers, limitNetworks } from '#server/platform/limits/limit-requests.ts'
import { openRateLimits, type RateLimits } from '#server/platform/limits/rate-limits.ts'
import { startQueueMeter } from '#server/platform/queues/queue-meter.ts'
import { docsPage } from './docs-page/routes.ts'
import type { Saldo } from './open-saldo.ts'
import { openApiDocument } from './openapi.ts'
import { PERMISSIONS } from './permissions-list.ts'
import { QUEUE_REPORTERS } from './queue-reporters.ts'
import { SETTINGS } from './settings-list.ts'

/** The API: every door of the house on one address. */
export interface Api {
  /** Where it answers. */
  url: string
  /** Finishes what it took, takes no more. */
  stop(): Promise<void>
}

/** Opens the doors and listens. Throws when the port is taken. */
export async function startApi({ app, secrets, providers }: Saldo): Promise<Api> {
  const { config, log, metrics, db, settings } = app
  const http = openHttp({
    config,
    log,
    metrics,
    checks: { database: () => db.query('select 1'), settings: () => settings.current() },
  })
  const authentication = await openAuthentication(app, secrets)
  const limits = countRateLimited(openRateLimits(app), authentication.key_use)
  await openDoors(http, { app, secrets, providers }, authentication, limits)
  const url = await http.listen({ host: config.host, port: config.port })
  const meter = startQueueMeter(app, QUEUE_REPORTERS)
  return {
    url,
    stop: async () => {
      await Promise.all([http.stop(), meter.stop()])
      await authentication.close()
      await limits.close()
    },
  }
}

async function openDoors(
  http: Http,
  { app, secrets, providers }: Pick<Saldo, 'app' | 'secrets' | 'providers'>,
  authentication: Authentication,
  limits: RateLimits,
): Promise<void> {
  limitNetworks(http.app, limits, isPublic)
  await openApiDocument(http.app, app.config)
  await http.app.register(async (doors) => {
    guardRoutes(doors, authentication)
    limitCallers(doors, limits, knownPrincipal)
    keepAnswers(doors, { app, secrets, callerOf: (request) => `user:${principalOf(request).user_id}` })
    await doors.register(identityRoutes(app, authentication))
    await doors.register(areaRoutes(app, authentication))
    await doors.register(staffRoutes(app))
    await doors.register(staffKeyRoutes(app))
    await doors.register(adjustmentRoutes(app))
    await doors.register(depositRoutes(app))
    await doors.register(staffDepositRoutes(app))
    await doors.register(bonusRoutes(app))
    await doors.register(promoCodeRoutes(app))
    await doors.register(staffPromoCodeRoutes(app))
    await doors.register(rightsRoutes(app, catalogueOf(PERMISSIONS)))
    await doors.register(providerRoutes(app, secrets))
    await doors.register(hintRoutes(app, secrets))
    await doors.register(catalogRoutes(app, authentication))
    await doors.register(markupRoutes(app))
    await doors.register(pricePlanRoutes(app))
    await doors.register(staffServiceRoutes(app))
    await doors.register(exchangeRateRoutes(app))
    await doors.register(refreshRoutes(app, providers))
    await doors.register(offerRoutes(app, providers))
    await doors.register(serviceHistoryRoutes(app))
    await doors.register(sourceRoutes(app))
    await doors.register(providerHealthRoutes(app))
    await openOrderDoors(doors, { app, providers }, authentication, limits)
    await doors.register(webhookRoutes(app, secrets))
    await doors.register(staffWebhookRoutes(app))
    await doors.register(settingRoutes(app, SETTINGS))
    await doors.register(queueRoutes(app, QUEUE_REPORTERS))
    await doors.register(auditRoutes(app))
    await doors.register(criticalErrorRoutes(app))
    await doors.register(inboxRoutes(app))
    await doors.register(preferenceRoutes(app, secrets))
    await doors.register(telegramRoutes(app))
    await doors.register(messageRoutes(app))
    await doors.register(templateRoutes(app))
    await doors.register(alertRoutes(app))
    await doors.register(docsPage(app.config))
  })
  await http.app.ready()
}

/** What customers do with orders, and what staff and programs do for them. */
async function openOrderDoors(
  doors: FastifyInstance,
  { app, providers }: Pick<Saldo, 'app' | 'providers'>,
  authentication: Authentication,
  limits: RateLimits,
): Promise<void> {
  const use = authentication.key_use
  const orders = { placeOrder: openPlaceOrder(app, use), reads: openCustomerReads(app.db) }
  await doors.register(orderRoutes(app, { ...orders, use }))
  await doors.register(cancelRoutes(app))
  await doors.register(refillRoutes(app))
  await doors.register(staffRefillRoutes(app))
  await doors.register(orderExportRoutes(app))
  await doors.register(deskExportRoutes(app))
  await doors.register(waitLimitRoutes(app))
  await doors.register(refundRoutes(app))
  await doors.register(dripFeedRoutes(app))
  await doors.register(subscriptionRoutes(app))
  await doors.register(deskRoutes(app, providers))
  await doors.register(deskProviderRoutes(app, providers))
  await doors.register(placeToProviderRoute(app, providers))
  await doors.register(reconciliationRoutes(app))
  await doors.register(financeRoutes(app))
  await doors.register(financeExportRoutes(app))
  await doors.register(topupRoutes(app))
  await doors.register(limitRoutes(app))
  await doors.register(quotaRoutes(app))
  await doors.register(usageRoutes(app))
  await doors.register(panelApiRoutes(app, authentication, { ...orders, limits }))
}

function isPublic(config: object | undefined): boolean {
  return (config as { permission?: unknown } | undefined)?.permission === null
}
