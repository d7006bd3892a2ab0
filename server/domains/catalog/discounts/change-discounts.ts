import { invariant, present } from '#server/kit/invariant.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { TooManyDiscountsError } from './errors.ts'
import type { Discount } from './queries.ts'

/** Every process that sells keeps so many in memory. */
export const DISCOUNTS_MAX = 1_000

// One at a time: they are counted.
const lockDiscounts = statement('lock table catalog.discount in share row exclusive mode')
const countStanding = statement(
  'select count(*)::int as standing from catalog.discount where over_at is null or over_at > $1',
)
const insertDiscount = statement(
  'insert into catalog.discount (discount_bp, below_margin, over_at) values ($1, $2, $3) returning id',
)

/**
 * Makes a discount that customers may be granted, none of them beyond `over_at`; null: until it is closed. Answers its number. The caller calls `forgetServices` after the commit. Throws
 * TooManyDiscountsError.
 */
export async function createDiscount(
  tx: Tx,
  { discount_bp, below_margin, over_at, now }: Omit<Discount, 'id'> & { over_at: Date | null; now: Date },
): Promise<bigint> {
  await tx.query(lockDiscounts)
  const [counted] = await tx.query<{ standing: number }>(countStanding, [now])
  if (present(counted, 'a count is always answered').standing >= DISCOUNTS_MAX)
    throw new TooManyDiscountsError(DISCOUNTS_MAX)
  const rows = await tx.query<{ id: bigint }>(insertDiscount, [discount_bp, below_margin, over_at])
  return present(rows[0], 'an inserted discount has a number').id
}

// Shared, so that none is granted behind the back of who closes it. What is over is not granted: processes may have forgotten it.
const lockToGrant = statement('select over_at from catalog.discount where id = $1 for share')
const grant = statement(
  'insert into catalog.discount_customer (customer_id, discount_id, granted_at, ends_at) values ($1, $2, $3, $4)',
)

/**
 * Gives a customer, once, a discount until `ends_at`: from then on they pay the list again, or what their plan says, without anything being done. This process prices by it at once when the caller
 * calls `forgetPricesOf` after the commit, others within REVISION_TTL_MS. InvariantError for one that is closed before that.
 */
export async function grantDiscount(
  tx: Tx,
  { discount_id, customer_id, now, ends_at }: { discount_id: bigint; customer_id: bigint; now: Date; ends_at: Date },
): Promise<void> {
  const [found] = await tx.query<{ over_at: Date | null }>(lockToGrant, [discount_id])
  const { over_at } = present(found, 'a discount that is granted is there')
  invariant(over_at === null || ends_at <= over_at, 'a discount is granted for longer than anyone may have it')
  tx.send(grant, [customer_id, discount_id, now, ends_at])
}

const lockToClose = statement('select 1 from catalog.discount where id = $1 for no key update')
// The last that was granted counts, and not by when it was: the clocks of those who grant may differ.
const close = statement(`
  update catalog.discount set over_at = greatest($2, (select max(ends_at) from catalog.discount_customer where discount_id = $1)) where id = $1`)

/** Nobody is granted the discount any more; who has it keeps it until it ends. The caller calls `forgetServices` after the commit. */
export async function closeDiscount(tx: Tx, { discount_id, now }: { discount_id: bigint; now: Date }): Promise<void> {
  // A statement of its own, so that the next one sees what was granted while this one waited.
  await tx.query(lockToClose, [discount_id])
  tx.send(close, [discount_id, now])
}
