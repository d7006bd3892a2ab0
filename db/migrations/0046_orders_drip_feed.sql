-- Its own lock is none that orders wait for; before the one below, which they do wait for, but for a moment.
alter table orders.orders validate constraint orders_type_check;

-- An order in runs: each run is an order of its own, placed with the others in one transaction. Its number is of the orders' own sequence, so that no order has it.
-- What it consists of is said by its runs, and how it stands follows from them.
create table orders.drip_feed (
  id bigint primary key,
  customer_id bigint not null,
  runs smallint not null check (runs between 1 and 1000),
  interval_minutes integer not null check (interval_minutes between 1 and 43200),
  -- The caller's own key, for all of it.
  request_key text check (char_length(request_key) between 1 and 128),
  placed_at timestamptz not null default now(),
  -- When what had not been sent was given up.
  cancelled_at timestamptz
);
create index drip_feeds_of_customer on orders.drip_feed (customer_id, id);
create unique index drip_feed_request_once on orders.drip_feed (customer_id, request_key) where request_key is not null;

-- No foreign key, as with all that every order would pay for: `saldo verify` looks for runs without a drip-feed.
alter table orders.orders add column drip_feed_id bigint;
alter table orders.orders add column run smallint;
-- When a run is due.
alter table orders.orders add column not_before timestamptz;
alter table orders.orders add constraint order_run check ((drip_feed_id is null) = (run is null)) not valid;

-- A run whose time has not come is `scheduled`, and no queue sees it: it is queued when it is due. Not valid: what is there passed a narrower check.
alter table orders.orders drop constraint orders_state_check;
alter table orders.orders add constraint orders_state_check check (state in
  ('scheduled', 'queued', 'dispatching', 'unknown', 'failed', 'pending', 'processing', 'in_progress', 'completed', 'partial', 'cancelled')) not valid;
alter table orders.orders add constraint order_scheduled check (state <> 'scheduled' or not_before is not null) not valid;
