import { statement } from '#server/platform/db/database.ts'
import { ServiceNotFoundError } from '../errors.ts'
import type { CatalogApp, Service } from '../service.ts'
import { SOURCES_MAX, type Strategy } from './source.ts'
import type { SourceHealth } from './store-health.ts'

/** A source as staff see it. */
export interface SourceSeen
  extends Pick<Service, 'name' | 'cost' | 'cost_asset' | 'cost_usd' | 'min' | 'max' | 'offer_gap'> {
  source_id: bigint
  priority: number
  weight: number
  enabled: boolean
  provider_id: bigint
  provider_name: string
  provider_enabled: boolean
  provider_service_id: string
  cost_scale: number
  until: Date | null
  reason: string | null
  /** Null while it has not been measured. */
  measured_at: Date | null
  healthy: boolean | null
  health: Omit<SourceHealth, 'service_id'>
}

const strategyOf = statement('select strategy, rate from catalog.service where id = $1')

// A service without rows of its own is its one source.
const seen = statement(`
  with listed as (
    select source_id, priority, weight, enabled from catalog.source where service_id = $1
    union all
    select $1, 0, 1, true where not exists (select from catalog.source where service_id = $1)
  )
  select l.*, s.name, s.cost, s.cost_asset, s.cost_usd, coalesce(s.offered_min, s.min) as min, coalesce(s.offered_max, s.max) as max,
    s.offer_gap, s.provider_id, s.provider_service_id, p.name as provider_name, p.enabled as provider_enabled,
    (select scale from ledger.asset where code = s.cost_asset)::int as cost_scale, q.until, q.reason,
    h.measured_at, h.healthy, h.accepted, h.rejected, h.unknown, h.not_sent, h.median_ms, h.p95_ms, h.last_rejected_at
  from listed l join catalog.service s on s.id = l.source_id join providers.provider p on p.id = s.provider_id
  left join catalog.quarantine q on q.service_id = s.id and q.released_at is null
  left join catalog.source_health h on h.service_id = s.id
  order by l.priority, l.source_id limit ${SOURCES_MAX}`)

/** What a service is bought from, by priority, with how each did lately, how one is chosen, and the rate that no source may exceed. Throws ServiceNotFoundError. */
export async function readSources(
  app: Pick<CatalogApp, 'db'>,
  service_id: bigint,
): Promise<{ strategy: Strategy; rate: bigint; sources: SourceSeen[] }> {
  const [service] = await app.db.query<{ strategy: Strategy; rate: bigint }>(strategyOf, [service_id])
  if (!service) throw new ServiceNotFoundError(service_id)
  const rows = await app.db.query<Omit<SourceSeen, 'health'> & SourceSeen['health']>(seen, [service_id])
  const sources = rows.map(
    ({ accepted, rejected, unknown, not_sent, median_ms, p95_ms, last_rejected_at, ...row }) => ({
      ...row,
      health: { accepted, rejected, unknown, not_sent, median_ms, p95_ms, last_rejected_at },
    }),
  )
  return { ...service, sources }
}
