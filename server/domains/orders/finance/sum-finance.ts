import { statement } from '#server/platform/db/database.ts'
import { FIGURE_COLUMNS } from './figures.ts'
import { atBlock, followSeals, ofBlocks } from './follow-seals.ts'

const column = (name: string) => `sum(${name})::bigint as ${name}`
const NAMES = FIGURE_COLUMNS.join(', ')
const SUMS = FIGURE_COLUMNS.map(column).join(', ')

const upsert = (table: string, keys: string) => `
    insert into orders.${table} (${keys}, ${NAMES})
    select ${keys}, ${SUMS} from fact group by ${keys} order by ${keys}
    on conflict (${keys}) do update set ${FIGURE_COLUMNS.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(', ')}`

// What a movement means follows from the accounts that it joins, whatever its reason: so nothing that is on them can be missing here. Each row of `moved` fills the columns that it has.
const SUM = statement(`
  with block as materialized (
    select block, at, (at at time zone 'UTC')::date as day, date_trunc('hour', at, 'UTC') as hour from ledger.sealed_block where seal > $1 and seal <= $2
  ), transfer as materialized (
    select day, hour, t.entry, t.subject_id, t.subject_kind, t.hold, t.amount, debit.asset,
      coalesce(case when credit.owner_kind = 'customer' then credit.owner_id end, case when debit.owner_kind = 'customer' then debit.owner_id end) as customer_id,
      case when debit.purpose = 'prepaid' then debit.owner_id when credit.purpose = 'prepaid' then credit.owner_id end as provider_id,
      (credit.purpose = 'revenue')::int - (debit.purpose = 'revenue')::int as to_revenue,
      (credit.purpose = 'cost')::int - (debit.purpose = 'cost')::int as to_cost,
      (credit.owner_kind = 'customer')::int - (debit.owner_kind = 'customer')::int as to_wallet,
      (debit.purpose = 'opening' and credit.purpose = 'prepaid' and t.subject_kind is not distinct from 'order')::int as taken_over,
      case when 'revenue' in (credit.purpose, debit.purpose) then 'turnover' when 'adjustments' in (credit.purpose, debit.purpose) then 'adjustments'
        when 'bonuses' in (credit.purpose, debit.purpose) then 'bonuses' when t.subject_kind = 'deposit' then 'deposits' else 'other' end as comes_as
    ${ofBlocks('transfer', 'entry, debit, credit, amount, hold, subject_id, subject_kind', 't', atBlock('transfer'))}
    join ledger.account_name debit on debit.id = t.debit
    join ledger.account_name credit on credit.id = t.credit
  ), release as materialized (
    select day, r.entry, r.amount, hold.subject_id as order_id, name.asset
    ${ofBlocks('release', 'entry, hold, amount', 'r', atBlock('release'))}
    join ledger.hold on hold.id = r.hold and hold.subject_kind = 'order'
    join ledger.account_name name on name.id = hold.account
  ), ended as (
    select day, entry, subject_id as order_id, asset from transfer where hold is not null and subject_kind = 'order'
    union
    select day, entry, order_id, asset from release
  ), moved (day, order_id, customer_id, provider_id, asset, placed, ended, charged, turnover, returned, cost, deposit_count, deposits, adjustments, bonuses, other) as (
    select day, h.subject_id, null::bigint, null::bigint, name.asset, 1, 0, h.amount, 0, 0, 0, 0, 0, 0, 0, 0
    ${ofBlocks('hold', 'account, amount, subject_id, subject_kind', 'h')}
    join ledger.account_name name on name.id = h.account
    where h.subject_kind = 'order'
    union all
    select day, case when subject_kind = 'order' then subject_id end, customer_id, provider_id, asset, 0, 0, 0, to_revenue * amount, 0, to_cost * amount,
      (comes_as = 'deposits')::int,
      case comes_as when 'deposits' then to_wallet * amount else 0 end, case comes_as when 'adjustments' then to_wallet * amount else 0 end,
      case comes_as when 'bonuses' then to_wallet * amount else 0 end, case comes_as when 'other' then to_wallet * amount else 0 end
    from transfer where to_revenue <> 0 or to_cost <> 0 or to_wallet <> 0
    union all
    select day, order_id, null, null, asset, 0, 0, 0, 0, amount, 0, 0, 0, 0, 0, 0 from release
    union all
    select day, order_id, null, null, asset, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 from ended
  ), fact as materialized (
    select day, coalesce(o.service_id, 0) as service_id, coalesce(m.provider_id, o.provider_id, 0) as provider_id,
      coalesce(o.customer_id, m.customer_id, 0) as customer_id, m.asset, placed,
      case when o.state = 'completed' then ended else 0 end as completed, case when o.state = 'partial' then ended else 0 end as partial,
      case when o.state = 'cancelled' then ended else 0 end as cancelled,
      charged, turnover, returned, cost, deposit_count, deposits, adjustments, bonuses, other
    from moved m left join orders.orders o on o.id = m.order_id
  ), by_service as (${upsert('finance_day', 'day, service_id, provider_id, asset')}
  ), by_hour as (
    insert into orders.provider_hour (provider_id, hour, asset, cost)
    -- What was taken over with an order the provider took long ago: its cost was put there to be taken at once.
    select provider_id, hour, asset, sum((to_cost - taken_over) * amount)::bigint from transfer
    where (to_cost <> 0 or taken_over <> 0) and provider_id is not null
    group by 1, 2, 3 having sum((to_cost - taken_over) * amount) <> 0 order by 1, 2, 3
    on conflict (provider_id, hour, asset) do update set cost = provider_hour.cost + excluded.cost
  )
  ${upsert('finance_customer_day', 'day, customer_id, asset')}`)

const LOCK = statement('select seal, last_line from orders.finance_progress for update')

const ADVANCE = statement(`
  update orders.finance_progress set seal = seal.number, last_line = seal.last_line, at = seal.at
  from ledger.seal where seal.number = $1`)

/** Takes up into the sums of finance what has been sealed since the last time, and answers whether there is more. */
export const sumFinance = followSeals({ lock: LOCK, sum: SUM, advance: ADVANCE })
