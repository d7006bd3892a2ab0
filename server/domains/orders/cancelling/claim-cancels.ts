import type { OpenProvider } from '#server/domains/providers/registry.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { askLease_ms } from '../ask-lease.ts'
import { nextCheck_ms } from '../following/poll-schedule.ts'
import { FINAL_STATES, OPEN_STATES, ORDER_COLUMNS, type Order, orderCan } from '../order.ts'
import { sending, WISHES_MAX } from '../wish.ts'
import { type CancelRequest, cancelColumns } from './cancel-request.ts'
import { type Decided, writeRequests } from './write-requests.ts'

// Who works on an order or a request at this moment is not waited for.
const takeDue = statement(`
  select ${cancelColumns('r')} from orders.cancel_request r join orders.orders o on o.id = r.order_id
  where r.state = 'asked' and r.next_try_at <= $2 and o.provider_id = $1
  order by r.next_try_at limit ${WISHES_MAX} for no key update skip locked`)

const theirOrders = statement(`select ${ORDER_COLUMNS} from orders.orders where id = any($1::bigint[])`)

/** Due ones: marked as sent, and those of orders that no provider has. */
export interface ClaimedCancels {
  sent: CancelRequest[]
  here: CancelRequest[]
  taken: number
}

/**
 * Takes the wishes that are due at a provider and commits what becomes of each before anything is sent: to which provider it goes and under which number of it, for the order may be
 * elsewhere when it is answered. Moves no money and writes no order, so that none can hold up the others.
 */
export async function claimCancels(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  { row }: Pick<OpenProvider, 'row'>,
): Promise<ClaimedCancels> {
  return db.transaction((tx) => claimIn(tx, row, clock.now()))
}

async function claimIn(tx: Tx, row: OpenProvider['row'], now: Date): Promise<ClaimedCancels> {
  const requests = await tx.query<CancelRequest>(takeDue, [row.id, now])
  if (requests.length === 0) return { sent: [], here: [], taken: 0 }
  const rows = await tx.query<Order>(theirOrders, [int8Array(requests.map(({ order_id }) => order_id))])
  const orders = new Map(rows.map((order) => [order.id, order]))
  const here: CancelRequest[] = []
  const decided = requests.map((request): Decided => {
    const order = orders.get(request.order_id) as Order
    if (FINAL_STATES.includes(order.state)) return { ...request, state: 'dropped', ended_at: now }
    if (OPEN_STATES.includes(order.state)) {
      const { provider_id, provider_order_id } = order
      return { ...request, ...sending(request, row, now), provider_id, provider_order_id }
    }
    if (orderCan.cancelAtOnce(order)) {
      here.push(request)
      return { ...request, next_try_at: new Date(now.getTime() + askLease_ms(row)) }
    }
    const wait_ms = nextCheck_ms(now.getTime() - request.asked_at.getTime(), 0)
    return { ...request, next_try_at: new Date(now.getTime() + wait_ms) }
  })
  writeRequests(tx, decided)
  return { sent: decided.filter(({ state }) => state === 'sent'), here, taken: requests.length }
}
