import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement } from '#server/platform/db/database.ts'
import { ServiceNotFoundError } from '../errors.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { SourceNotFoundError, SourceRefusedError } from './errors.ts'
import { lockSource } from './lock-source.ts'
import { selectSources } from './queries.ts'

/** A source that a service is not to be bought at any more. */
export interface RemoveSource {
  service_id: bigint
  source_id: bigint
  by?: Actor | undefined
  reason?: string | undefined
}

const remove = statement('delete from catalog.source where service_id = $1 and source_id = any($2::bigint[])')

/**
 * Takes a source away; with the last beside its own the service is bought from its own provider alone, as before. Orders that are there stay there. Throws
 * ServiceNotFoundError, SourceNotFoundError; SourceRefusedError for its own, which can only be switched off, and for the last that is switched on.
 */
export async function removeSource(app: CatalogApp, input: RemoveSource): Promise<void> {
  const { service_id, source_id, by = SYSTEM, reason } = input
  await app.db.transaction(async (tx) => {
    if (!(await lockSource(tx, service_id))) throw new ServiceNotFoundError(service_id)
    const rows = await selectSources(tx, service_id)
    const row = rows.find((each) => each.source_id === source_id)
    if (!row) throw new SourceNotFoundError(service_id, source_id)
    if (source_id === service_id) {
      throw new SourceRefusedError(
        'own_source_stays',
        'The service’s own offer can be switched off, and not taken away.',
      )
    }
    const others = rows.filter((each) => each !== row)
    if (others.every((each) => !each.enabled)) {
      throw new SourceRefusedError('last_source_stays', 'No other source is switched on.')
    }
    await tx.query(remove, [service_id, others.length === 1 ? [source_id, service_id] : [source_id]])
    const { priority, weight, enabled } = row
    const before = { source_id: String(source_id), priority, weight, enabled }
    const subject = { kind: 'service', id: service_id }
    recordActs(tx, [{ action: 'sources.removed', actor: by, subject, before, ...(reason && { reason }) }])
  })
  await forgetServices(app)
}
