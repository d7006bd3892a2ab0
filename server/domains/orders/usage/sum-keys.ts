import { statement } from '#server/platform/db/database.ts'
import { atBlock, followSeals, ofBlocks } from '../finance/follow-seals.ts'

/** What is summed of each key and day. */
export const KEY_FIGURES = ['placed', 'charged', 'captured', 'returned'] as const

const SUMS = KEY_FIGURES.map((name) => `sum(m.${name})::bigint as ${name}`).join(', ')

// As finance has it: what flows to revenue was captured, what flows back from it was given back later.
const SUM = statement(`
  with block as materialized (
    select block, at, (at at time zone 'UTC')::date as day from ledger.sealed_block where seal > $1 and seal <= $2
  ), moved (day, order_id, asset, placed, charged, captured, returned) as (
    select day, h.subject_id, name.asset, 1, h.amount, 0, 0
    ${ofBlocks('hold', 'account, amount, subject_id, subject_kind', 'h')}
    join ledger.account_name name on name.id = h.account
    where h.subject_kind = 'order'
    union all
    select day, t.subject_id, debit.asset, 0, 0, ((credit.purpose = 'revenue')::int - (debit.purpose = 'revenue')::int) * t.amount, 0
    ${ofBlocks('transfer', 'debit, credit, amount, subject_id, subject_kind', 't', atBlock('transfer'))}
    join ledger.account_name debit on debit.id = t.debit
    join ledger.account_name credit on credit.id = t.credit
    where t.subject_kind = 'order' and 'revenue' in (credit.purpose, debit.purpose)
    union all
    select day, hold.subject_id, name.asset, 0, 0, 0, r.amount
    ${ofBlocks('release', 'hold, amount', 'r', atBlock('release'))}
    join ledger.hold on hold.id = r.hold and hold.subject_kind = 'order'
    join ledger.account_name name on name.id = hold.account
  )
  insert into orders.key_day (customer_id, day, key_id, asset, ${KEY_FIGURES.join(', ')})
  select o.customer_id, m.day, coalesce(o.key_id, 0), m.asset, ${SUMS} from moved m join orders.orders o on o.id = m.order_id
  group by 1, 2, 3, 4 order by 1, 2, 3, 4
  on conflict (customer_id, day, key_id, asset) do update set ${KEY_FIGURES.map((name) => `${name} = key_day.${name} + excluded.${name}`).join(', ')}`)

const LOCK = statement('select seal, last_line from orders.key_day_progress for update')

const ADVANCE = statement(`
  update orders.key_day_progress set seal = seal.number, last_line = seal.last_line, at = seal.at
  from ledger.seal where seal.number = $1`)

/** Takes up into the sums by key what has been sealed since the last time, and answers whether there is more. */
export const sumKeys = followSeals({ lock: LOCK, sum: SUM, advance: ADVANCE })
