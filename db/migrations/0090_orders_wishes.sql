-- At which provider an order was when the wish to end it was sent: the order may be elsewhere when it is answered. Without it: not sent, or by the version before, which knows the number alone.
alter table orders.cancel_request add column provider_id bigint;
update orders.cancel_request r set provider_id = o.provider_id
from orders.orders o where o.id = r.order_id and o.provider_order_id = r.provider_order_id;

-- Since when a refill waits for staff.
alter table orders.refill add column waiting_since timestamptz;
update orders.refill set waiting_since = asked_at
where state = 'unknown' or (manual and state in ('asked', 'pending', 'in_progress'));
