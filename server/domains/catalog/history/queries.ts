import { type Db, statement } from '#server/platform/db/database.ts'
import type { DeactivatedReason } from '../service.ts'
import type { ChangeCause } from '../write-services.ts'

/** One change of a service's price, limits, or of whether it is sold. Amounts in micro-USD per 1000 or package; before: null where the service was new. */
export interface ServiceStep {
  id: bigint
  at: Date
  cause: ChangeCause['cause']
  user_id: bigint | null
  rate_before: bigint | null
  rate: bigint
  cost_usd_before: bigint | null
  cost_usd: bigint | null
  min_before: bigint | null
  min: bigint
  max_before: bigint | null
  max: bigint
  reason_before: DeactivatedReason | null
  reason: DeactivatedReason | null
}

const steps = statement(`
  select id, at, cause, user_id, rate_before, rate, cost_usd_before, cost_usd, min_before, min, max_before, max, reason_before, reason
  from catalog.service_change where service_id = $1 and id < $2 order by id desc limit $3`)

/** What became of a service, latest first, below the number `before`. */
export function selectSteps(
  db: Pick<Db, 'query'>,
  { service_id, before, limit }: { service_id: bigint; before: bigint; limit: number },
): Promise<ServiceStep[]> {
  return db.query<ServiceStep>(steps, [service_id, before, limit])
}
