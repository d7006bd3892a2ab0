import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { ServiceNotFoundError } from '../errors.ts'
import { sourceWatched } from '../events.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { lockSource } from './lock-source.ts'
import { quarantineHours } from './settings.ts'

const HOUR_MS = 3_600_000
const REASON_MAX = 200

/** A source that is to get no orders for a while. */
export interface ImposeQuarantine {
  service_id: bigint
  reason: string
  /** Those of `sources.quarantine_hours` when absent. */
  hours?: number | undefined
  by?: Actor | undefined
}

const upsert = statement(`
  insert into catalog.quarantine (service_id, since, until, reason, user_id) values ($1, $2, $3, $4, $5)
  on conflict (service_id) do update set since = excluded.since, until = excluded.until, reason = excluded.reason,
    user_id = excluded.user_id, trial_until = null, released_at = null`)

/**
 * Gives a source no orders for some hours: what waits for it and can be bought elsewhere goes there, the rest waits; then one order tries it. One that stands already
 * and lasts longer stays: answers false then. Throws ServiceNotFoundError.
 */
export async function imposeQuarantine(app: CatalogApp, input: ImposeQuarantine): Promise<boolean> {
  const { service_id, by = SYSTEM } = input
  const imposed = await app.db.transaction(async (tx) => {
    const source = await lockSource(tx, service_id)
    if (!source) throw new ServiceNotFoundError(service_id)
    const now = app.clock.now()
    const hours = input.hours ?? app.settings.read(quarantineHours)
    const until = new Date(now.getTime() + hours * HOUR_MS)
    // Many find at the same moment that it fails.
    if (source.until && source.until > now && (by.kind === 'system' || source.until >= until)) return false
    const reason = input.reason.slice(0, REASON_MAX)
    tx.send(upsert, [service_id, now, until, reason, by.user_id ?? null])
    const { name, provider } = source
    emit(tx, sourceWatched, [{ service_id, name, provider, trouble: reason, until: until.toISOString() }])
    const after = { until: until.toISOString() }
    const subject = { kind: 'service', id: service_id }
    recordActs(tx, [{ action: 'sources.quarantined', actor: by, subject, after, reason }])
    return true
  })
  if (imposed) await forgetServices(app)
  return imposed
}
