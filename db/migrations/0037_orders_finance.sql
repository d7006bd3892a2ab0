-- What was earned and spent, summed by day (UTC) from the ledger: a chore follows its seals, so that each movement is in the sums once. Amounts are minor units of the asset.
-- The same movements twice: by service and provider, and by customer. 0 stands for none.
create table orders.finance_day (
  day date not null,
  service_id bigint not null,
  provider_id bigint not null,
  asset text not null,
  -- Orders, on the day they were placed, and on the day they ended.
  placed bigint not null,
  completed bigint not null,
  partial bigint not null,
  cancelled bigint not null,
  -- Held for orders; captured of that, less what came back later; released.
  charged bigint not null,
  turnover bigint not null,
  returned bigint not null,
  cost bigint not null,
  -- What else moved on customers' wallets: deposits, what staff put right, and all the rest.
  deposit_count bigint not null,
  deposits bigint not null,
  adjustments bigint not null,
  other bigint not null,
  primary key (day, service_id, provider_id, asset)
) with (fillfactor = 80);

create table orders.finance_customer_day (
  day date not null,
  customer_id bigint not null,
  asset text not null,
  placed bigint not null,
  completed bigint not null,
  partial bigint not null,
  cancelled bigint not null,
  charged bigint not null,
  turnover bigint not null,
  returned bigint not null,
  cost bigint not null,
  deposit_count bigint not null,
  deposits bigint not null,
  adjustments bigint not null,
  other bigint not null,
  primary key (day, customer_id, asset)
) with (fillfactor = 80);

-- Up to which seal the sums go. One row, locked by whoever goes on.
create table orders.finance_progress (
  one boolean primary key default true check (one),
  seal bigint not null check (seal >= 0),
  last_line bigint not null check (last_line >= 0),
  -- When that seal was made.
  at timestamptz
);
insert into orders.finance_progress (seal, last_line) values (0, 0);
