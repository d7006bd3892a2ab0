import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Service } from '../service.ts'
import { type Quarantine, SOURCES_MAX, type Source, type Sourcing, type Strategy } from './source.ts'

const allSources = statement(`
  select s.service_id, s.source_id, s.priority, s.weight, s.enabled, service.strategy, coalesce(h.healthy, true) as healthy
  from catalog.source s join catalog.service on service.id = s.service_id
  left join catalog.source_health h on h.service_id = s.source_id
  order by s.service_id, s.priority, s.source_id`)
const allQuarantines = statement(`
  select q.service_id, s.provider_id, s.provider_service_id, q.since, q.until, q.reason, q.user_id
  from catalog.quarantine q join catalog.service s on s.id = q.service_id where q.released_at is null`)

/** One source of a service as it is stored. */
export interface SourceRow {
  service_id: bigint
  source_id: bigint
  priority: number
  weight: number
  enabled: boolean
}

/** What services with several sources are bought from, by service. A source that has become of another type is left out: it would do something else. */
export async function selectSourcings(
  db: Pick<Tx, 'query'>,
  services: ReadonlyMap<bigint, Service>,
): Promise<Map<bigint, Sourcing>> {
  const rows = await db.query<SourceRow & { strategy: Strategy; healthy: boolean }>(allSources)
  const sourcings = new Map<bigint, { strategy: Strategy; sources: Source[] }>()
  for (const { service_id, source_id, strategy, ...row } of rows) {
    const [service, source] = [services.get(service_id), services.get(source_id)]
    // Made since the services were read: the revision has grown, and all is read once more.
    if (!service || !source) continue
    const sourcing = sourcings.get(service_id) ?? { strategy, sources: [] }
    sourcings.set(service_id, sourcing)
    if (source.type === service.type) sourcing.sources.push({ service: source, ...row })
  }
  return sourcings
}

/** Everything that gets no orders for a while, by service. */
export async function selectQuarantines(db: Pick<Tx, 'query'>): Promise<Map<bigint, Quarantine>> {
  const rows = await db.query<Quarantine>(allQuarantines)
  return new Map(rows.map((row) => [row.service_id, row]))
}

const sourcesOf = statement(`
  select service_id, source_id, priority, weight, enabled from catalog.source where service_id = $1
  order by priority, source_id limit ${SOURCES_MAX}`)

/** The sources of one service, by priority; none where it is bought from its own provider alone. */
export function selectSources(db: Pick<Tx, 'query'>, service_id: bigint): Promise<SourceRow[]> {
  return db.query<SourceRow>(sourcesOf, [service_id])
}
