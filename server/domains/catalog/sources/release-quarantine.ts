import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { ServiceNotFoundError } from '../errors.ts'
import { sourceWatched } from '../events.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { lockSource } from './lock-source.ts'

/** A source that is to get orders again. */
export interface ReleaseQuarantine {
  service_id: bigint
  reason?: string | undefined
  by?: Actor | undefined
}

// By the clock that attempts are begun by.
const release = statement(`
  update catalog.quarantine set released_at = now(), trial_until = null where service_id = $1 and released_at is null`)

/**
 * Ends a quarantine at once; what was refused before counts no more. Answers false when there was none, or when the house's own word met one that has not run out. Throws
 * ServiceNotFoundError.
 */
export async function releaseQuarantine(app: CatalogApp, input: ReleaseQuarantine): Promise<boolean> {
  const { service_id, reason, by = SYSTEM } = input
  const released = await app.db.transaction(async (tx) => {
    const source = await lockSource(tx, service_id)
    if (!source) throw new ServiceNotFoundError(service_id)
    if (!source.until) return false
    // A trial ends the quarantine that it was sent after, not one that staff have imposed since.
    if (by.kind === 'system' && source.until > app.clock.now()) return false
    tx.send(release, [service_id])
    const { name, provider } = source
    emit(tx, sourceWatched, [{ service_id, name, provider, trouble: null, until: null }])
    const before = { until: source.until.toISOString() }
    const subject = { kind: 'service', id: service_id }
    recordActs(tx, [{ action: 'sources.released', actor: by, subject, before, ...(reason && { reason }) }])
    return true
  })
  if (released) await forgetServices(app)
  return released
}
