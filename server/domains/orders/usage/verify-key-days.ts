import { BLOCK_BITS } from '#server/domains/ledger/block.ts'
import { present } from '#server/kit/invariant.ts'
import type { Db } from '#server/platform/db/database.ts'
import { readSnapshot } from '#server/platform/db/read-snapshot.ts'

/** Sums by key that are not what the orders or the ledger say. */
export interface KeyDayProblem {
  check: 'key_days'
  what: string
}

// Of what has been summed, which are whole blocks.
const BLOCKS = `
  block as materialized (
    select block from ledger.sealed_block where seal <= (select seal from orders.key_day_progress)
  )`

const CHECKS = [
  `with ${BLOCKS}, told as (
    select o.customer_id, coalesce(o.key_id, 0) as key_id, count(*) as placed, sum(o.charge) as charged
    from orders.orders o join block on block.block = o.hold >> ${BLOCK_BITS} group by 1, 2
  ), kept as (
    select customer_id, key_id, sum(placed) as placed, sum(charged) as charged from orders.key_day group by 1, 2
  )
  select format('customer %s has %s orders for %s with key %s, and %s for %s in the sums', customer_id,
    coalesce(told.placed, 0), coalesce(told.charged, 0), key_id, coalesce(kept.placed, 0), coalesce(kept.charged, 0)) as what
  from told full join kept using (customer_id, key_id)
  where coalesce(told.placed, 0) <> coalesce(kept.placed, 0) or coalesce(told.charged, 0) <> coalesce(kept.charged, 0)
  order by customer_id, key_id limit 1`,

  `with ${BLOCKS}, moved as (
    select debit.asset, t.amount * ((credit.purpose = 'revenue')::int - (debit.purpose = 'revenue')::int) as captured, 0::bigint as returned
    from ledger.transfer t join block on block.block = t.id >> ${BLOCK_BITS}
    join ledger.account_name debit on debit.id = t.debit join ledger.account_name credit on credit.id = t.credit
    where t.subject_kind = 'order'
    union all
    select name.asset, 0, r.amount
    from ledger.release r join block on block.block = r.id >> ${BLOCK_BITS} join ledger.hold h on h.id = r.hold
    join ledger.account_name name on name.id = r.account
    where h.subject_kind = 'order'
  ), told as (select asset, sum(captured) as captured, sum(returned) as returned from moved group by asset),
  kept as (select asset, sum(captured) as captured, sum(returned) as returned from orders.key_day group by asset)
  select format('of orders in %s %s was captured and %s returned, and %s and %s in the sums by key', asset,
    coalesce(told.captured, 0), coalesce(told.returned, 0), coalesce(kept.captured, 0), coalesce(kept.returned, 0)) as what
  from told full join kept using (asset)
  where coalesce(told.captured, 0) <> coalesce(kept.captured, 0) or coalesce(told.returned, 0) <> coalesce(kept.returned, 0)
  order by asset limit 1`,
]

/** Proves the sums by key against the orders that are in them, and against what the ledger moved of these. Throws what the database throws. */
export async function verifyKeyDays(db: Db): Promise<KeyDayProblem[]> {
  return readSnapshot(db, 1, async ([snapshot]) => {
    const { query } = present(snapshot, 'a snapshot')
    const problems: KeyDayProblem[] = []
    for (const check of CHECKS) {
      for (const row of await query<{ what: string }>(check)) problems.push({ check: 'key_days', ...row })
    }
    return problems
  })
}
