import { type Db, statement, type Tx } from '#server/platform/db/database.ts'

/** A discount for a time. */
export interface Discount {
  id: bigint
  /** Hundredths of a percent off the list. */
  discount_bp: bigint
  /** Whether its rates may be below the least margin; never below the cost. */
  below_margin: boolean
}

/** A discount that a customer was granted. */
export interface HeldDiscount {
  discount_id: bigint
  ends_at: Date
}

// None is left out: how many there are is bounded where they are made.
const standing = statement(
  'select id, discount_bp, below_margin from catalog.discount where over_at is null or over_at > $1 order by id',
)
const heldBy = statement(`
  select customer_id, discount_id, ends_at from catalog.discount_customer
  where customer_id = any($1::bigint[]) and ends_at > $2 order by customer_id, discount_id`)

/** The discounts that someone has at this moment or may come to have, oldest first. */
export function selectStandingDiscounts(db: Pick<Db, 'query'>, now: Date): Promise<Discount[]> {
  return db.query<Discount>(standing, [now])
}

/** The discounts of these customers that have not ended at this moment, by customer. */
export async function selectHeldDiscounts(
  db: Pick<Db | Tx, 'query'>,
  customers: Buffer,
  now: Date,
): Promise<Map<bigint, HeldDiscount[]>> {
  const rows = await db.query<HeldDiscount & { customer_id: bigint }>(heldBy, [customers, now])
  return Map.groupBy(rows, ({ customer_id }) => customer_id)
}
