import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { balancesForecast } from '../events.ts'
import { providerBalances } from './provider-balances.ts'

/** Older hours say nothing about how fast a balance runs down now. */
const KEPT_DAYS = 3

const forget = statement(`delete from orders.provider_hour where hour < $1::timestamptz - interval '${KEPT_DAYS} days'`)

/** Tells for how long our balances with the providers will last, from what they took in the last hours; one that is switched off lasts as long as it is. It asks no provider. */
export async function forecastBalances(app: Pick<App, 'db' | 'clock'>): Promise<void> {
  const now = app.clock.now()
  const providers = (await providerBalances(app)).map(({ provider, theirs, ours, forecast }) => ({
    provider_id: provider.id,
    name: provider.name,
    balance: theirs ?? ours,
    hours_left: provider.enabled ? forecast.hours_left : null,
    currency: provider.currency,
    scale: provider.scale,
  }))
  await app.db.transaction(async (tx) => {
    tx.send(forget, [now])
    emit(tx, balancesForecast, [{ providers }])
  })
}
