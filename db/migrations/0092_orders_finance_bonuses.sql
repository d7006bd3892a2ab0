-- What the house gives away stands in a column of its own, and no longer in `other`. What was summed is moved, day by day, by what lies on the account of the bonuses up to the same seal: nothing is
-- summed anew. The row of progress is locked first, as whoever sums does. No default stays behind: the version before would go on putting bonuses into `other`, so its sums are refused, and what it
-- leaves is taken up by the new one.
select from orders.finance_progress for update;
alter table orders.finance_day add column bonuses bigint not null default 0;
alter table orders.finance_customer_day add column bonuses bigint not null default 0;
with given as (
  select (block.at at time zone 'UTC')::date as day, customer.owner_id as customer_id, house.asset,
    sum(case when t.debit = house.id then t.amount else -t.amount end)::bigint as amount
  from ledger.account_name house
  join ledger.line on line.account = house.id
  join ledger.sealed_block block on block.block = line.movement >> 14 and block.seal <= (select seal from orders.finance_progress)
  join ledger.transfer t on t.id = line.movement and t.at = block.at
  join ledger.account_name customer on customer.id in (t.debit, t.credit) and customer.owner_kind = 'customer'
  where house.purpose = 'bonuses'
  group by 1, 2, 3
), by_customer as (
  update orders.finance_customer_day sums set bonuses = given.amount, other = sums.other - given.amount
  from given where (sums.day, sums.customer_id, sums.asset) = (given.day, given.customer_id, given.asset)
)
update orders.finance_day sums set bonuses = given.amount, other = sums.other - given.amount
from (select day, asset, sum(amount)::bigint as amount from given group by 1, 2) as given
-- They belong to no service and no provider.
where (sums.day, sums.service_id, sums.provider_id, sums.asset) = (given.day, 0, 0, given.asset);
alter table orders.finance_day alter column bonuses drop default;
alter table orders.finance_customer_day alter column bonuses drop default;
