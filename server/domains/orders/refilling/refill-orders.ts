import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { invariant } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type Asker, askerName, ownerOf } from '../asker.ts'
import { isSubscription, type Order } from '../order.ts'
import { lockOrders } from '../write-orders.ts'
import { REFILL_COLUMNS, REFILLS_MAX, type Refill } from './refill.ts'
import { refillDays, refillWaitHours } from './settings.ts'
import { tellRefills } from './write-refills.ts'

/** As the panels' form has it. */
export const REFILL_ORDERS_MAX = 100

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export type RefillOutcome =
  | { ok: true; refill: Refill }
  | {
      ok: false
      code:
        | 'order_not_found'
        | 'order_not_delivered'
        | 'refill_not_available'
        | 'refill_too_early'
        | 'refill_window_over'
        | 'refill_under_way'
        | 'refill_limit_reached'
      message: string
      /** From when on it may be asked for. */
      available_at?: Date
    }

/**
 * Asks for refills of orders that are delivered, wholly or in part: sent in the background to the provider that did the order, or seen to by staff. One under way for an order and
 * REFILLS_MAX in all, which the table holds. Customers may within the times of the service, staff at any time. Outcome i answers id i; another customer's order is none.
 */
export async function refillOrders(
  app: Pick<App, 'db' | 'clock' | 'settings'>,
  order_ids: readonly bigint[],
  by: Asker,
  own?: Tx,
): Promise<RefillOutcome[]> {
  invariant(order_ids.length <= REFILL_ORDERS_MAX, 'refillOrders: batch too long')
  const ask = (tx: Tx) => askIn(tx, app, order_ids, by)
  return own ? ask(own) : app.db.transaction(ask)
}

async function askIn(
  tx: Tx,
  app: Pick<App, 'clock' | 'settings'>,
  order_ids: readonly bigint[],
  by: Asker,
): Promise<RefillOutcome[]> {
  // Of two who ask at once the second waits here, and finds what the first has asked for.
  const orders = await lockOrders(tx, [...new Set(order_ids)], ownerOf(by))
  const services = await readServices(tx, order_ids)
  const now = app.clock.now()
  const house = { days: app.settings.read(refillDays), wait_hours: app.settings.read(refillWaitHours) }
  const asked: { order: Order; service: Refillable }[] = []
  const decided = new Map<bigint, RefillOutcome | undefined>()
  for (const id of order_ids) {
    if (decided.has(id)) continue
    const [order, service] = [orders.get(id), services.get(id)]
    if (!order || !service) {
      decided.set(id, refuse('order_not_found', `There is no order ${id}.`))
      continue
    }
    const refused = refuseRefill(order, service) ?? ('staff' in by ? undefined : refuseTime(order, service, house, now))
    decided.set(id, refused)
    if (!refused) asked.push({ order, service })
  }
  const refills = await insert(tx, asked, askerName(by), now)
  tellRefills(tx, refills)
  if ('staff' in by)
    recordActs(
      tx,
      refills.map((refill) => askedAct(refill, by.staff)),
    )
  const made = new Map(refills.map((refill) => [refill.order_id, refill]))
  return order_ids.map((id) => decided.get(id) ?? { ok: true, refill: made.get(id) as Refill })
}

/** What an order's service and earlier refills say. */
interface Refillable {
  order_id: bigint
  offered: boolean
  days: number | null
  wait_hours: number | null
  manual: boolean
  refills: number
  under_way: bigint | null
}

const selectServices = statement(`
  select o.id as order_id, coalesce(s.refill, false) as offered, r.days, r.wait_hours, coalesce(r.manual, false) as manual,
    (select count(*)::int from orders.refill f where f.order_id = o.id) as refills,
    (select f.id from orders.refill f where f.order_id = o.id and f.state in ('asked', 'sent', 'unknown', 'pending', 'in_progress')) as under_way
  from orders.orders o
  left join catalog.service s on s.id = o.service_id
  left join orders.refill_rule r on r.service_id = o.service_id
  where o.id = any($1::bigint[])`)

async function readServices(tx: Tx, order_ids: readonly bigint[]): Promise<Map<bigint, Refillable>> {
  const rows = await tx.query<Refillable>(selectServices, [int8Array(order_ids)])
  return new Map(rows.map((row) => [row.order_id, row]))
}

function refuseRefill(order: Order, service: Refillable): RefillOutcome | undefined {
  const { id, state, provider_order_id } = order
  const noRefill = `Order ${id} has no refill.`
  if (!service.offered && !service.manual) return refuse('refill_not_available', noRefill)
  if ((state !== 'completed' && state !== 'partial') || isSubscription(order)) {
    return refuse('order_not_delivered', `Only what was delivered can be refilled, and order ${id} was not.`)
  }
  if (service.under_way !== null)
    return refuse('refill_under_way', `Refill ${service.under_way} of order ${id} is under way.`)
  if (service.refills >= REFILLS_MAX) return refuse('refill_limit_reached', `Order ${id} had ${REFILLS_MAX} refills.`)
  if (!service.manual && provider_order_id === null) {
    // In the words of the others that have none: where an order is, or is not, is no business of its customer's.
    return refuse('refill_not_available', noRefill)
  }
  return undefined
}

function refuseTime(
  { id, finished_at }: Order,
  service: Refillable,
  house: { days: number; wait_hours: number },
  now: Date,
): RefillOutcome | undefined {
  const ended_ms = finished_at?.getTime() ?? now.getTime()
  const available_at = new Date(ended_ms + (service.wait_hours ?? house.wait_hours) * HOUR_MS)
  if (now < available_at) {
    const message = `Order ${id} can be refilled from ${available_at.toISOString()} on.`
    return { ok: false, code: 'refill_too_early', message, available_at }
  }
  const days = service.days ?? house.days
  if (days > 0 && now.getTime() > ended_ms + days * DAY_MS) {
    return refuse('refill_window_over', `Order ${id} could be refilled for ${days} days.`)
  }
  return undefined
}

const insertRefills = statement(`
  insert into orders.refill (order_id, customer_id, number, provider_id, provider_order_id, manual, state, asked_by, asked_at, next_try_at, waiting_since)
  select o.id, o.customer_id, new.number, o.provider_id, o.provider_order_id, new.manual, 'asked', $4, $5::timestamptz,
    case when not new.manual then $5::timestamptz end, case when new.manual then $5::timestamptz end
  from (select unnest($1::bigint[]) as order_id, unnest($2::smallint[]) as number, unnest($3::boolean[]) as manual) as new
  join orders.orders o on o.id = new.order_id
  returning ${REFILL_COLUMNS}`)

async function insert(
  tx: Tx,
  asked: readonly { order: Order; service: Refillable }[],
  actor: string,
  now: Date,
): Promise<Refill[]> {
  if (asked.length === 0) return []
  return tx.query<Refill>(insertRefills, [
    int8Array(asked.map(({ order }) => order.id)),
    plainArray(asked.map(({ service }) => service.refills + 1)),
    plainArray(asked.map(({ service }) => service.manual)),
    actor,
    now,
  ])
}

function askedAct({ id, order_id, manual }: Refill, actor: Actor) {
  return {
    action: 'orders.refill_requested',
    actor,
    subject: { kind: 'order', id: order_id },
    after: { refill_id: id, manual },
  }
}

function refuse(code: Extract<RefillOutcome, { ok: false }>['code'], message: string): RefillOutcome {
  return { ok: false, code, message }
}
