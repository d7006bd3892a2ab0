import type { App } from '#server/platform/app.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { type ProviderStanding, providersWatched } from './events.ts'
import type { ProviderRow } from './provider-row.ts'
import { listProviders } from './queries.ts'

/** A pause that ended so lately is one of a row: between two of them a single order tries the provider. */
const JUST_PAUSED_MS = 60_000

/** Tells how the providers stand. It reads what the dispatcher writes anyway and asks no provider. */
export async function watchProviders(app: Pick<App, 'db' | 'clock'>): Promise<void> {
  const now = app.clock.now()
  const providers = (await listProviders(app.db)).map((row) => standingOf(row, now))
  await app.db.transaction(async (tx) => emit(tx, providersWatched, [{ providers }]))
}

function standingOf(row: ProviderRow, now: Date): ProviderStanding {
  const { id: provider_id, name, currency, scale } = row
  // One that is switched off troubles nobody; told like this, what staff were alarmed by ends.
  const [trouble, balance] = row.enabled ? [troubleOf(row, now), row.balance] : [null, null]
  return { provider_id, name, trouble, balance, currency, scale }
}

function troubleOf(row: ProviderRow, now: Date): string | null {
  const paused = row.paused_until !== null && row.paused_until.getTime() > now.getTime() - JUST_PAUSED_MS
  if (paused) return row.pause_reason
  if (row.balance_status === null || row.balance_status === 'ok') return null
  return row.balance_error ?? row.balance_status
}
