import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { ServiceNotFoundError } from '../errors.ts'
import { selectService } from '../queries.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { SourceRefusedError } from './errors.ts'
import { lockSource } from './lock-source.ts'
import { type SourceRow, selectSources } from './queries.ts'
import { PRIORITY_MAX, SOURCES_MAX } from './source.ts'

/** Where a service is to be bought. What is left out stays as it is; a new source goes behind the others, with the weight of one. */
export interface SetSource {
  service_id: bigint
  /** A row of the catalogue of the same type, or the service itself. */
  source_id: bigint
  priority?: number | undefined
  weight?: number | undefined
  enabled?: boolean | undefined
  by?: Actor | undefined
  reason?: string | undefined
}

/** The service's own place among its sources, until staff say otherwise. */
const OWN = { priority: 0, weight: 1, enabled: true }

const upsert = statement(`
  insert into catalog.source (service_id, source_id, priority, weight, enabled) values ($1, $2, $3, $4, $5)
  on conflict (service_id, source_id) do update set priority = excluded.priority, weight = excluded.weight, enabled = excluded.enabled`)

/**
 * Adds a source to a service, or changes one; with the first the service's own offer becomes one of its sources. Repeated, it changes nothing. Orders that are on
 * their way stay where they are. Throws ServiceNotFoundError; SourceRefusedError for a source of another type, beyond SOURCES_MAX, and for switching off the last.
 */
export async function setSource(app: CatalogApp, input: SetSource): Promise<SourceRow> {
  const { service_id, source_id, by = SYSTEM, reason } = input
  const { after, changed } = await app.db.transaction(async (tx) => {
    const before = await readBefore(tx, input)
    const after = decide(input, before)
    const found = before.find((row) => row.source_id === source_id)
    if (found && isSame(found, after)) return { after, changed: false }
    if (before.length === 0 && source_id !== service_id) await store(tx, { service_id, source_id: service_id, ...OWN })
    await store(tx, after)
    const subject = { kind: 'service', id: service_id }
    const sides = { ...(found && { before: told(found) }), after: told(after) }
    recordActs(tx, [{ action: 'sources.set', actor: by, subject, ...sides, ...(reason && { reason }) }])
    return { after, changed: true }
  })
  if (changed) await forgetServices(app)
  return after
}

async function readBefore(tx: Tx, { service_id, source_id }: SetSource): Promise<SourceRow[]> {
  if (!(await lockSource(tx, service_id))) throw new ServiceNotFoundError(service_id)
  const service = present(await selectService(tx, service_id), 'the service was locked')
  const source = await selectService(tx, source_id)
  if (!source) throw new ServiceNotFoundError(source_id)
  if (source.type !== service.type) {
    const detail = `Service ${service_id} is ${service.type}, and ${source_id} is ${source.type}.`
    throw new SourceRefusedError('source_type_differs', detail)
  }
  return selectSources(tx, service_id)
}

function decide(input: SetSource, before: readonly SourceRow[]): SourceRow {
  const { service_id, source_id } = input
  const others = before.filter((row) => row.source_id !== source_id)
  const found = before.find((row) => row.source_id === source_id)
  if (!found && others.length >= SOURCES_MAX) {
    throw new SourceRefusedError('too_many_sources', `A service has up to ${SOURCES_MAX} sources.`)
  }
  const last = Math.max(OWN.priority, ...others.map((row) => row.priority))
  const fresh =
    source_id === service_id ? OWN : { priority: Math.min(last + 1, PRIORITY_MAX), weight: 1, enabled: true }
  const { priority, weight, enabled } = found ?? fresh
  const after = {
    service_id,
    source_id,
    priority: input.priority ?? priority,
    weight: input.weight ?? weight,
    enabled: input.enabled ?? enabled,
  }
  const own_joins = before.length === 0 && source_id !== service_id
  if (!after.enabled && !own_joins && others.every((row) => !row.enabled)) {
    throw new SourceRefusedError(
      'last_source_stays',
      'It is the last source that is switched on. To stop selling, take the service off sale.',
    )
  }
  return after
}

function isSame(a: SourceRow, b: SourceRow): boolean {
  return a.priority === b.priority && a.weight === b.weight && a.enabled === b.enabled
}

function told({ source_id, priority, weight, enabled }: SourceRow) {
  return { source_id: String(source_id), priority, weight, enabled }
}

async function store(tx: Tx, { service_id, source_id, priority, weight, enabled }: SourceRow): Promise<void> {
  await tx.query(upsert, [service_id, source_id, priority, weight, enabled])
}
