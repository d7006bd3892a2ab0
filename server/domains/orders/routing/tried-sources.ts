import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { CODES_NO_TRY } from './rerouted.ts'
import { sourceName } from './router.ts'

// When staff send an order again all begins anew.
const tried = statement(`
  select a.order_id, a.provider_id, a.provider_service_id
  from orders.attempt a join orders.orders o on o.id = a.order_id
  where a.order_id = any($1::bigint[]) and (o.last_resubmit_at is null or a.started_at >= o.last_resubmit_at)
    and not (a.state = 'rejected' and a.code = any($2::text[]))`)

const NONE: ReadonlySet<string> = new Set()

/** At which sources orders were tried already, by their names; to be asked for orders that are locked. */
export async function triedSources(
  tx: Tx,
  order_ids: readonly bigint[],
): Promise<(order_id: bigint) => ReadonlySet<string>> {
  if (order_ids.length === 0) return () => NONE
  const rows = await tx.query<{ order_id: bigint; provider_id: bigint; provider_service_id: string }>(tried, [
    int8Array(order_ids),
    textArray(CODES_NO_TRY),
  ])
  const of = new Map<bigint, Set<string>>()
  for (const row of rows) of.set(row.order_id, (of.get(row.order_id) ?? new Set()).add(sourceName(row)))
  return (order_id) => of.get(order_id) ?? NONE
}
