import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { Conditions } from '#server/platform/db/conditions.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import { REFILL_COLUMNS, type Refill, type RefillState } from './refill.ts'

/** One page of refills. */
export const REFILLS_PAGE_MAX = 100

export interface RefillFilter {
  states?: readonly RefillState[] | undefined
  customer_id?: bigint | undefined
  order_id?: bigint | undefined
  provider_id?: bigint | undefined
  manual?: boolean | undefined
  waiting?: boolean | undefined
}

/** Refills, newest first, those below the id `before` where it is given. */
export async function listRefills(
  db: Db,
  { states, customer_id, order_id, provider_id, manual, waiting }: RefillFilter,
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<{ refills: Refill[]; has_more: boolean }> {
  const where = new Conditions()
  if (states !== undefined) where.add(`state = any(${where.value(textArray(states))}::text[])`)
  if (customer_id !== undefined) where.add(`customer_id = ${where.value(customer_id)}`)
  if (order_id !== undefined) where.add(`order_id = ${where.value(order_id)}`)
  if (provider_id !== undefined) where.add(`provider_id = ${where.value(provider_id)}`)
  if (manual !== undefined) where.add(`manual = ${where.value(manual)}`)
  if (waiting !== undefined) where.add(`(waiting_since is not null) = ${where.value(waiting)}`)
  if (before !== undefined) where.add(`id < ${where.value(before)}`)
  const page = Math.max(1, Math.min(limit, REFILLS_PAGE_MAX))
  const sql = `select ${REFILL_COLUMNS} from orders.refill where ${where.sql} order by id desc limit ${page + 1}`
  const rows = await db.query<Refill>(sql, where.values)
  return { refills: rows.slice(0, page), has_more: rows.length > page }
}

const ofCustomer = statement(
  `select ${REFILL_COLUMNS} from orders.refill where customer_id = $1 and id = any($2::bigint[])`,
)

/** The customer's own refills among `ids`, by id. Another's is absent, as if it were not. */
export async function findRefills(db: Db, customer_id: bigint, ids: readonly bigint[]): Promise<Map<bigint, Refill>> {
  const rows = await db.query<Refill>(ofCustomer, [customer_id, int8Array(ids)])
  return new Map(rows.map((row) => [row.id, row]))
}

const byOrder = statement(`select ${REFILL_COLUMNS} from orders.refill where order_id = $1 order by number`)

/** Every refill of the order, oldest first. */
export function refillsOf(db: Db, order_id: bigint): Promise<Refill[]> {
  return db.query<Refill>(byOrder, [order_id])
}

const locked = statement(
  `select ${REFILL_COLUMNS} from orders.refill where id = any($1::bigint[]) order by id for no key update`,
)

/** Locks refills until the transaction ends; unknown ids are absent. */
export async function lockRefills(tx: Tx, ids: readonly bigint[]): Promise<Map<bigint, Refill>> {
  const rows = await tx.query<Refill>(locked, [int8Array(ids)])
  return new Map(rows.map((row) => [row.id, row]))
}

/** How refills of a service go; null: as in the house. */
export interface RefillRule {
  days: number | null
  wait_hours: number | null
  manual: boolean
}

const rule = statement(`select days, wait_hours, manual from orders.refill_rule where service_id = $1`)

/** What of a service's refills is otherwise than the house's; undefined where nothing is. */
export async function refillRuleOf(db: Pick<Db, 'query'>, service_id: bigint): Promise<RefillRule | undefined> {
  return (await db.query<RefillRule>(rule, [service_id]))[0]
}
