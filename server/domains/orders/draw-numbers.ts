import { statement, type Tx } from '#server/platform/db/database.ts'

const nextNumbers = statement(`select nextval('orders.order_number') as id from generate_series(1, $1::int)`)

/** So many numbers of orders that nobody else has, the lowest first. Those that are not used leave a gap. */
export async function drawNumbers(tx: Tx, count: number): Promise<bigint[]> {
  return (await tx.query<{ id: bigint }>(nextNumbers, [count])).map(({ id }) => id)
}
