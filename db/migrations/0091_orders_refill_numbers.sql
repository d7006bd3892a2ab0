-- A provider's number for a refill is one refill's: what is told of it is told of that one. Of several that were given the same the first keeps it, and staff look into the others that are under way.
lock table orders.refill in share row exclusive mode;
with taken as (
  select id, provider_refill_id as number
  from (select id, provider_refill_id, row_number() over (partition by provider_id, provider_refill_id order by id) as place from orders.refill where provider_refill_id is not null) numbered
  where place > 1
)
update orders.refill r set provider_refill_id = null, code = 'refill_number_taken', version = r.version + 1,
  message = 'The provider answered number ' || taken.number || ', which is another refill''s.',
  state = case when r.state in ('pending', 'in_progress') then 'unknown' else r.state end, next_try_at = case when r.state = 'asked' then r.next_try_at end,
  waiting_since = case when r.state in ('pending', 'in_progress', 'unknown') then coalesce(r.waiting_since, now()) end
from taken where r.id = taken.id;
create unique index refill_provider_once on orders.refill (provider_id, provider_refill_id);
