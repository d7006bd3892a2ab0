import { dateArray, plainArray } from '#server/platform/db/arrays.ts'
import { statement } from '#server/platform/db/database.ts'
import { forgetServices } from '../sellable-services.ts'
import type { CatalogApp } from '../service.ts'
import { successPercentMin } from './settings.ts'

/** How a source did lately. Times in milliseconds, from sending to the answer, of what was accepted; null where nothing was. */
export interface SourceHealth {
  service_id: bigint
  accepted: number
  /** For reasons of its own: not for the customer's input, nor for want of our balance. */
  rejected: number
  unknown: number
  not_sent: number
  median_ms: number | null
  p95_ms: number | null
  last_rejected_at: Date | null
}

/** Fewer attempts say nothing. */
const ATTEMPTS_MIN = 8

const upsert = statement(`
  insert into catalog.source_health as h (service_id, measured_at, accepted, rejected, unknown, not_sent, median_ms, p95_ms,
    last_rejected_at, healthy)
  select id, $1, accepted, rejected, unknown, not_sent, median_ms, p95_ms, last_rejected_at, healthy
  from unnest($2::bigint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::timestamptz[], $10::boolean[])
    as new (id, accepted, rejected, unknown, not_sent, median_ms, p95_ms, last_rejected_at, healthy)
  order by id
  on conflict (service_id) do update set measured_at = excluded.measured_at, accepted = excluded.accepted,
    rejected = excluded.rejected, unknown = excluded.unknown, not_sent = excluded.not_sent, median_ms = excluded.median_ms,
    p95_ms = excluded.p95_ms, last_rejected_at = excluded.last_rejected_at, healthy = excluded.healthy
  where h.measured_at < excluded.measured_at`)

// Before they are written: only where that changes whether a source does well, processes read the catalogue anew.
const bump = statement(`
  update catalog.revision set value = value + 1
  where exists (select from unnest($1::bigint[], $2::boolean[]) as new (id, healthy)
    left join catalog.source_health h on h.service_id = new.id where coalesce(h.healthy, true) <> new.healthy)
  returning value`)

/** Takes over how sources did lately, and decides by `sources.success_percent_min` which do well. Two statements however many there are. */
export async function storeHealth(app: CatalogApp, measured: readonly SourceHealth[]): Promise<void> {
  if (measured.length === 0) return
  const percent_min = app.settings.read(successPercentMin)
  const numbers = (read: (each: SourceHealth) => bigint | number | null) => plainArray(measured.map(read))
  const ids = numbers((each) => each.service_id)
  const healthy = plainArray(measured.map((each) => doesWell(each, percent_min)))
  const changed = await app.db.transaction(async (tx) => {
    const bumped = await tx.query(bump, [ids, healthy])
    tx.send(upsert, [
      app.clock.now(),
      ids,
      numbers((each) => each.accepted),
      numbers((each) => each.rejected),
      numbers((each) => each.unknown),
      numbers((each) => each.not_sent),
      numbers((each) => each.median_ms),
      numbers((each) => each.p95_ms),
      dateArray(measured.map((each) => each.last_rejected_at)),
      healthy,
    ])
    return bumped.length > 0
  })
  if (changed) await forgetServices(app)
}

function doesWell({ accepted, rejected, unknown, not_sent }: SourceHealth, percent_min: number): boolean {
  const attempts = accepted + rejected + unknown + not_sent
  return attempts < ATTEMPTS_MIN || accepted * 100 >= attempts * percent_min
}
