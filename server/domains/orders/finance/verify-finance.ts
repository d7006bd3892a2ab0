import { BLOCK_BITS } from '#server/domains/ledger/block.ts'
import { present } from '#server/kit/invariant.ts'
import type { Db } from '#server/platform/db/database.ts'
import { readSnapshot } from '#server/platform/db/read-snapshot.ts'
import { FIGURE_COLUMNS } from './figures.ts'

/** Sums of finance that are not what the ledger says. */
export interface FinanceProblem {
  check: 'finance'
  asset: string
  what: string
}

/** What the ledger says by itself, and is summed here by other means than by the chore. */
const PROVEN = ['placed', 'charged', 'returned', 'turnover', 'cost', 'bonuses'] as const

const sums = (columns: readonly string[]) => columns.map((name) => `sum(${name})::bigint as ${name}`).join(', ')
const texts = (row: string, columns: readonly string[]) =>
  columns.map((name) => `'${name} ' || ${row}.${name}`).join(`, `)
const rowOf = (row: string, columns: readonly string[]) =>
  `(${columns.map((name) => `coalesce(${row}.${name}, 0)`).join(', ')})`

// Of what has been summed, which are whole blocks, in one statement and so of one moment.
const CHECK = `
  with block as materialized (
    select block from ledger.sealed_block where seal <= (select seal from orders.finance_progress)
  ), moved as (
    select debit.asset, 0 as placed, 0::bigint as charged, 0::bigint as returned,
      t.amount * ((credit.purpose = 'revenue')::int - (debit.purpose = 'revenue')::int) as turnover,
      t.amount * ((credit.purpose = 'cost')::int - (debit.purpose = 'cost')::int) as cost,
      case when debit.purpose = 'bonuses' and credit.owner_kind = 'customer' then t.amount
        when credit.purpose = 'bonuses' and debit.owner_kind = 'customer' then -t.amount else 0 end as bonuses
    from ledger.transfer t join block on block.block = t.id >> ${BLOCK_BITS}
    join ledger.account_name debit on debit.id = t.debit join ledger.account_name credit on credit.id = t.credit
    union all
    select name.asset, 1, h.amount, 0, 0, 0, 0
    from ledger.hold h join block on block.block = h.id >> ${BLOCK_BITS} join ledger.account_name name on name.id = h.account
    where h.subject_kind = 'order'
    union all
    select name.asset, 0, 0, r.amount, 0, 0, 0
    from ledger.release r join block on block.block = r.id >> ${BLOCK_BITS} join ledger.hold h on h.id = r.hold
    join ledger.account_name name on name.id = r.account
    where h.subject_kind = 'order'
  ), told as (select asset, ${sums(PROVEN)} from moved group by asset),
  by_service as (select asset, ${sums(FIGURE_COLUMNS)} from orders.finance_day group by asset),
  by_customer as (select asset, ${sums(FIGURE_COLUMNS)} from orders.finance_customer_day group by asset)
  select coalesce(told.asset, by_service.asset, by_customer.asset) as asset, case
      when ${rowOf('told', PROVEN)} <> ${rowOf('by_service', PROVEN)}
        then format('the ledger has %s, the sums by day %s', concat_ws(', ', ${texts('told', PROVEN)}), concat_ws(', ', ${texts('by_service', PROVEN)}))
      else format('by service the sums are %s, by customer %s',
        concat_ws(', ', ${texts('by_service', FIGURE_COLUMNS)}), concat_ws(', ', ${texts('by_customer', FIGURE_COLUMNS)})) end as what
  from told full join by_service using (asset) full join by_customer using (asset)
  where ${rowOf('told', PROVEN)} <> ${rowOf('by_service', PROVEN)} or ${rowOf('by_service', FIGURE_COLUMNS)} <> ${rowOf('by_customer', FIGURE_COLUMNS)}
  order by 1 limit 1`

/** Proves the sums of finance against all movements that are in them, and the two ways of summing against each other. Names the first asset that differs. Throws what the database throws. */
export async function verifyFinance(db: Db): Promise<FinanceProblem[]> {
  return readSnapshot(db, 1, async ([snapshot]) => {
    const rows = await present(snapshot, 'a snapshot').query<{ asset: string; what: string }>(CHECK)
    return rows.map((row) => ({ check: 'finance', ...row }))
  })
}
