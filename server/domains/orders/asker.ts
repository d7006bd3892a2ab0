import type { Actor } from '#server/domains/audit/act.ts'
import { staffName } from './desk/resolve-order.ts'

/** Who asks something of orders: a customer of their own alone, or staff of any, whose acts are recorded. */
export type Asker = { customer_id: bigint } | { staff: Actor }

/** How an order's history and what is asked of it name who asked: `customer:17`, `staff:3`. */
export function askerName(by: Asker): string {
  return 'customer_id' in by ? `customer:${by.customer_id}` : staffName(by.staff)
}

/** Whose orders alone may be locked and changed; undefined: anyone's. */
export function ownerOf(by: Asker): bigint | undefined {
  return 'customer_id' in by ? by.customer_id : undefined
}
