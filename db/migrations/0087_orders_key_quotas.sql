-- With which API key an order was placed; null: by a session, or before this was kept. No foreign key, like the others of this table: each order would pay for it.
alter table orders.orders add column key_id bigint;

-- How much may be ordered with an API key in a day, and how much it is today. Only keys with a quota have a row; one that is rotated keeps it, so a row is of the key with which the
-- line of rotations began. Its figures change under the lock on its owner's wallet, as those of orders.customer_limit do.
create table orders.key_quota (
  key_id bigint primary key,
  customer_id bigint not null,
  -- What the owner set and what staff set; the stricter holds. Null: no quota. Amounts in minor units.
  own_orders_max int check (own_orders_max >= 0),
  own_spend_max bigint check (own_spend_max >= 0),
  staff_orders_max int check (staff_orders_max >= 0),
  staff_spend_max bigint check (staff_spend_max >= 0),
  -- Orders placed since day_began that were not cancelled. Null until the first order under a quota, which counts what is there.
  orders int check (orders >= 0),
  -- Their charges, less what of them was given back.
  spent bigint check (spent >= 0),
  day_began timestamptz,
  day_ends timestamptz,
  constraint key_quota_set check (num_nonnulls(own_orders_max, own_spend_max, staff_orders_max, staff_spend_max) > 0),
  constraint key_quota_counted check (num_nulls(orders, spent, day_began, day_ends) in (0, 4)),
  constraint key_quota_day check (day_ends > day_began)
) with (fillfactor = 70);
