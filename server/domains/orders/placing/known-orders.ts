import { present } from '#server/kit/invariant.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import type { Order } from '../order.ts'
import { isRequestKey, type ReadOrder } from './check-order.ts'

const ordersByKey = statement(`
  with wanted as (select * from unnest($1::bigint[], $2::text[]) with ordinality as wanted (customer_id, request_key, place))
  select o.id, o.charge, o.service_id, o.link, o.quantity, o.params, null::int as runs, null::int as interval_minutes, wanted.place
  from wanted join orders.orders o using (customer_id, request_key)
  union all
  select d.id, o.charge * d.runs, o.service_id, o.link, o.quantity, o.params, d.runs, d.interval_minutes, wanted.place
  from wanted join orders.drip_feed d using (customer_id, request_key) join orders.orders o on o.drip_feed_id = d.id and o.run = 1`)

/** An order, or a drip-feed with all its runs, that a request key made. */
export type KnownOrder = Pick<Order, 'id' | 'charge' | 'service_id' | 'link' | 'quantity' | 'params'> & ReadOrder

type KnownRow = Omit<KnownOrder, 'rhythm'> & { place: bigint; runs: number | null; interval_minutes: number | null }

interface Keyed {
  customer_id: bigint
  request_key?: string | undefined
}

/** The orders that request keys have made already, by the place of the input in the batch. */
export async function knownOrders(db: Db | Tx, inputs: readonly Keyed[]): Promise<Map<number, KnownOrder>> {
  const keyed = [...inputs.entries()].flatMap(([place, input]) => {
    // A key that cannot be stored is refused later, and fails no query here.
    return input.request_key !== undefined && isRequestKey(input.request_key) ? [{ place, ...input }] : []
  })
  if (keyed.length === 0) return new Map()
  const rows = await db.query<KnownRow>(ordersByKey, [
    int8Array(keyed.map((each) => each.customer_id)),
    textArray(keyed.map((each) => each.request_key)),
  ])
  return new Map(
    rows.map(({ runs, interval_minutes, ...row }) => [
      present(keyed[Number(row.place) - 1], 'a key asked for').place,
      { ...row, rhythm: runs === null || interval_minutes === null ? undefined : { runs, interval_minutes } },
    ]),
  )
}

/** What makes two requests of one key the same: neither the price, which may have changed, nor the limits. The ledger keeps it for ever, so that its form never changes. */
export function contentOf(service_id: bigint, { link, quantity, params, rhythm }: ReadOrder): string {
  const { comments = null, ...others } = params
  const more = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1))
  const in_runs = rhythm ? [['runs', rhythm.runs, rhythm.interval_minutes]] : []
  return JSON.stringify([String(service_id), link, String(quantity), comments, ...more, ...in_runs])
}
