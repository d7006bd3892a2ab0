import type { Providers } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { reportFailure } from '#server/platform/telemetry/failures.ts'
import { refreshProvider } from './refresh-provider.ts'
import { refreshHours } from './settings.ts'

const HOUR_MS = 3_600_000

/** A provider that could not be read is tried again after this: soon enough for the day, and no burden to one that is down. */
const RETRY_MS = HOUR_MS / 2

const dueProviders = statement(`
  select provider.id
  from providers.provider left join catalog.refresh on refresh.provider_id = provider.id
  where provider.enabled and exists (select from catalog.service where service.provider_id = provider.id)
    and (refresh.provider_id is null
      or (refresh.tried_at <= $2 and (refresh.problem is not null or refresh.listed_at is null or refresh.listed_at <= $1)))
  order by provider.id`)

/** Refreshes the prices of every provider that is switched on and due, one after another; one that fails keeps none from its turn. Answers how many were tried. */
export async function refreshDue(app: App, providers: Providers): Promise<number> {
  const now_ms = app.clock.now().getTime()
  const listed_before = new Date(now_ms - app.settings.read(refreshHours) * HOUR_MS)
  const due = await app.db.query<{ id: bigint }>(dueProviders, [listed_before, new Date(now_ms - RETRY_MS)])
  for (const { id } of due) {
    try {
      const outcome = await refreshProvider(app, providers, { provider_id: id })
      if (outcome.problem !== null) app.log.warn({ provider_id: id, problem: outcome.problem }, 'prices not refreshed')
    } catch (err) {
      app.log.error({ err, provider_id: id }, 'the refresh of prices did not end well')
      reportFailure({ kind: 'chore', name: 'catalog.refresh', error: err })
    }
  }
  return due.length
}
