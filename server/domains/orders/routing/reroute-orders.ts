import type { App } from '#server/platform/app.ts'
import { dateArray, int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { ORDER_COLUMNS, type Order } from '../order.ts'
import { writeOrders } from '../write-orders.ts'
import { rerouted } from './rerouted.ts'
import { openRouter, type Router, type StuckSource, sourceName } from './router.ts'
import { triedSources } from './tried-sources.ts'

/** Orders in one transaction, and transactions in one run; what is left waits for the next. */
const BATCH_MAX = 200
const BATCHES_MAX = 50

/** An order that was moved so often is left where it is: providers that come and go do not fill its history. */
const MOVES_MAX = 20

/** How far the rounds of one process through what waits at each provider have come. None: the next begins at the first. */
export type RerouteRounds = Map<bigint, Order>

/**
 * Moves queued orders on whose source gets none for now (its provider is switched off or has been paused for long, or it is in quarantine) and that can be bought
 * elsewhere. Nothing of them has been sent: whoever is being sent or is at the provider is left there. Answers how many were moved. May run at once with itself. Goes on where
 * `rounds` says, so that orders that cannot move do not hide others behind them.
 */
export async function rerouteOrders(
  app: App,
  rounds: RerouteRounds = new Map(),
  batches_max = BATCHES_MAX,
): Promise<number> {
  const router = await openRouter(app)
  let moved = 0
  for (const [provider_id, stuck] of Map.groupBy(router.stuck(), (source) => source.provider_id)) {
    const sources = stuck.toSorted(inTurn)
    for (let batch = 0; batch < batches_max; batch++) {
      const done = await moveBatch(app, router, { provider_id, sources, after: rounds.get(provider_id) })
      moved += done.moved
      if (!done.last) {
        rounds.delete(provider_id)
        break
      }
      rounds.set(provider_id, done.last)
    }
  }
  return moved
}

type SourceOfService = Pick<StuckSource, 'service_id' | 'provider_service_id'>

/** In which order the sources of a provider have their turn. */
function inTurn(a: SourceOfService, b: SourceOfService): number {
  if (a.service_id !== b.service_id) return a.service_id < b.service_id ? -1 : 1
  if (a.provider_service_id === b.provider_service_id) return 0
  return a.provider_service_id < b.provider_service_id ? -1 : 1
}

interface Batch {
  provider_id: bigint
  /** In turn. */
  sources: readonly StuckSource[]
  /** The order that ended the batch before. */
  after: Order | undefined
}

// Down the index of what waits for each source, one source after the other, and no further than is wanted. SKIP LOCKED: who is just being claimed is on the way.
const waiting = statement(`
  select taken.* from unnest($2::bigint[], $3::text[], $4::bigint[]) with ordinality as source (service_id, provider_service_id, rate_min, n)
  cross join lateral (
    select ${ORDER_COLUMNS} from orders.orders o
    where o.state = 'queued' and o.provider_id = $1 and o.provider_service_id = source.provider_service_id and o.service_id = source.service_id
      and o.rate >= source.rate_min
      and (o.customer_id, o.id) > (case source.n when 1 then $5::bigint else 0 end, case source.n when 1 then $6::bigint else 0 end)
    order by o.customer_id, o.id limit ${BATCH_MAX} for no key update skip locked
  ) taken limit ${BATCH_MAX}`)

const moves = statement(`
  select e.order_id from unnest($1::bigint[], $2::timestamptz[]) as o (id, placed_at)
  join orders.order_event e on e.order_id = o.id and e.at >= o.placed_at
  where e.kind = 'rerouted' group by e.order_id having count(*) >= ${MOVES_MAX}`)

async function moveBatch(
  app: App,
  router: Router,
  { provider_id, sources, after }: Batch,
): Promise<{ moved: number; last: Order | undefined }> {
  return app.db.transaction(async (tx) => {
    const left = after ? sources.filter((source) => inTurn(source, after) >= 0) : sources
    // What it was at may be stuck no more.
    const within = after && left[0] && inTurn(left[0], after) === 0 ? after : undefined
    const orders = await tx.query<Order>(waiting, [
      provider_id,
      int8Array(left.map((source) => source.service_id)),
      textArray(left.map((source) => source.provider_service_id)),
      int8Array(left.map((source) => source.rate_min)),
      within?.customer_id ?? 0n,
      within?.id ?? 0n,
    ])
    const tired = await movedTooOften(tx, orders)
    const tried = await triedSources(
      tx,
      orders.map((order) => order.id),
    )
    const why = new Map(sources.map((source) => [sourceName(source), source.why]))
    const changes = orders.flatMap((order) => {
      const next = tired.has(order.id) ? undefined : router.next(order, tried(order.id))
      return next ? [rerouted(order, next, { code: why.get(sourceName(order)) })] : []
    })
    await writeOrders(app.db, tx, changes)
    return { moved: changes.length, last: orders.length === BATCH_MAX ? orders.at(-1) : undefined }
  })
}

async function movedTooOften(tx: Tx, orders: readonly Order[]): Promise<Set<bigint>> {
  if (orders.length === 0) return new Set()
  const rows = await tx.query<{ order_id: bigint }>(moves, [
    int8Array(orders.map((order) => order.id)),
    dateArray(orders.map((order) => order.placed_at)),
  ])
  return new Set(rows.map((row) => row.order_id))
}
