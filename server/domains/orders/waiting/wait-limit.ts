import { type Db, statement } from '#server/platform/db/database.ts'

/** At most a month: a customer's money is not held for longer over an order that nobody does. */
export const WAIT_HOURS_MAX = 720

const limitOf = statement('select hours from orders.wait_limit where service_id = $1')

/** For how many hours orders of a service may wait; null: as the house says. */
export async function waitLimitOf(db: Pick<Db, 'query'>, service_id: bigint): Promise<number | null> {
  return (await db.query<{ hours: number }>(limitOf, [service_id]))[0]?.hours ?? null
}
