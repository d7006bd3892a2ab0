-- The desk of staff: since when an order hides behind `Pending`. Each index here is one more entry for every order and every change of its state: staff's lists read down the newest orders without.
alter table orders.orders add column waiting_since timestamptz;
comment on column orders.orders.waiting_since is
  'Since when it has been at no provider: from placing, or from the moment a provider called it failed. Sending it again does not begin anew.';
update orders.orders set waiting_since = placed_at where state in ('queued', 'dispatching', 'unknown', 'failed');
alter table orders.orders alter column waiting_since set default now();

create index orders_waiting_since on orders.orders (waiting_since) where state in ('queued', 'unknown', 'failed');
-- What customers filter by beside what is completed, which is most.
create index orders_of_customer_open on orders.orders (customer_id, id) where state not in ('completed', 'partial', 'cancelled');
create index orders_of_customer_short on orders.orders (customer_id, id) where state in ('partial', 'cancelled');

update identity.role set permissions = permissions || '{orders:read,orders:resubmit,orders:sync,providers:check-balance}'
where name = 'support' and not permissions @> '{orders:read,orders:resubmit,orders:sync,providers:check-balance}';
