import { type Db, statement } from '#server/platform/db/database.ts'
import { type CancelRequest, cancelColumns } from './cancel-request.ts'

const requests = statement(`select ${cancelColumns('r')} from orders.cancel_request r where order_id = $1 order by id`)

/** Every wish to end the order, oldest first. */
export function cancelRequestsOf(db: Db, order_id: bigint): Promise<CancelRequest[]> {
  return db.query<CancelRequest>(requests, [order_id])
}
