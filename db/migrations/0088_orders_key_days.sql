-- What was ordered with each API key, summed by day (UTC) from the ledger: as orders.finance_day, behind the seals, so that each movement is in the sums once. Amounts are minor units of the asset.
-- key_id 0 stands for orders without a key. The customer first: a report is of one.
create table orders.key_day (
  customer_id bigint not null,
  day date not null,
  key_id bigint not null,
  asset text not null,
  -- Orders and what was held for them, on the day they were placed.
  placed bigint not null,
  charged bigint not null,
  -- Captured of that, less what came back later; released. On the day it moved.
  captured bigint not null,
  returned bigint not null,
  primary key (customer_id, day, key_id, asset)
) with (fillfactor = 80);

-- Up to which seal these sums go. One of their own: the process before this one sums finance without them while it is still running.
create table orders.key_day_progress (
  one boolean primary key default true check (one),
  seal bigint not null check (seal >= 0),
  last_line bigint not null check (last_line >= 0),
  at timestamptz
);
insert into orders.key_day_progress (seal, last_line) values (0, 0);
