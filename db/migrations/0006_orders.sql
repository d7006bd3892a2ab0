-- Orders: what customers bought, where each stands with its provider, and what became of the money held for it.
create schema orders;

create sequence orders.order_number;

-- No foreign keys to users, services and holds: this is the hottest insert of the house, they are never deleted, and `saldo verify` looks for orphans.
create table orders.orders (
  id bigint primary key,
  customer_id bigint not null,
  service_id bigint not null,
  provider_id bigint not null,
  -- The customer's wallet in the ledger, and the hold on it.
  wallet bigint not null,
  hold bigint not null,
  -- What is billed: pieces, lines, or 1 for a package.
  quantity bigint not null check (quantity > 0),
  -- Price and cost as they stood at placing: minor units per 1000, or for one package.
  rate bigint not null check (rate >= 0),
  charge bigint not null check (charge > 0),
  expected_cost bigint not null check (expected_cost >= 0),
  -- What the ledger has booked as this order's cost so far, in the provider's asset.
  booked_cost bigint not null default 0 check (booked_cost >= 0),
  -- The part of it that earlier placements took and brought nothing for: sent again, or accepted after all when it was given up.
  sunk_cost bigint not null default 0 check (sunk_cost >= 0),
  captured bigint not null default 0 check (captured >= 0),
  released bigint not null default 0 check (released >= 0),
  start_count bigint,
  remains bigint,
  -- Grows with each change that anyone can see.
  version bigint not null default 1 check (version > 0),
  placed_at timestamptz not null default now(),
  accepted_at timestamptz,
  finished_at timestamptz,
  checked_at timestamptz,
  -- When the provider is asked about it: while it is open, and after its end until its cost is confirmed.
  next_check_at timestamptz,
  -- While dispatching: when whoever took it is given up.
  claimed_until timestamptz,
  last_resubmit_at timestamptz,
  attempt uuid,
  attempts smallint not null default 0 check (attempts >= 0),
  resubmits smallint not null default 0 check (resubmits >= 0),
  failed_checks smallint not null default 0 check (failed_checks >= 0),
  asset text not null,
  cost_asset text not null,
  type text not null check (type in ('Default', 'Package', 'Custom Comments')),
  state text not null default 'queued' check (state in
    ('queued', 'dispatching', 'unknown', 'failed', 'pending', 'processing', 'in_progress', 'completed', 'partial', 'cancelled')),
  -- Why it waits for a person, or what is odd about it.
  reason text check (char_length(reason) between 1 and 60),
  detail text check (char_length(detail) <= 500),
  link text not null check (char_length(link) between 1 and 2048),
  params jsonb not null default '{}',
  provider_service_id text not null check (char_length(provider_service_id) between 1 and 100),
  provider_order_id text check (char_length(provider_order_id) between 1 and 200),
  provider_status text check (char_length(provider_status) <= 100),
  balance_check_status text check (balance_check_status in ('sufficient', 'insufficient', 'unavailable')),
  -- The caller's own key, for repeating a request safely.
  request_key text check (char_length(request_key) between 1 and 128),
  constraint order_settled_within check (captured + released <= charge),
  -- Final exactly when every unit of the charge is either captured or released.
  constraint order_final check ((state in ('completed', 'partial', 'cancelled')) = (captured + released = charge)),
  constraint order_finished check ((state in ('completed', 'partial', 'cancelled')) = (finished_at is not null)),
  constraint order_claimed check ((state = 'dispatching') = (claimed_until is not null)),
  constraint order_sunk_within check (sunk_cost <= booked_cost),
  constraint order_checked check (case when state in ('pending', 'processing', 'in_progress') then next_check_at is not null
    when state not in ('completed', 'partial', 'cancelled') then next_check_at is null else true end),
  constraint order_explained check (state not in ('unknown', 'failed') or reason is not null),
  constraint order_at_provider check (state not in ('pending', 'processing', 'in_progress') or provider_order_id is not null)
) with (fillfactor = 85);

create index orders_of_customer on orders.orders (customer_id, id);
create unique index order_request_once on orders.orders (customer_id, request_key) where request_key is not null;
create unique index order_at_provider_once on orders.orders (provider_id, provider_order_id) where provider_order_id is not null;
-- The queues, each a state.
create index orders_queued on orders.orders (provider_id, customer_id, id) where state = 'queued';
create index orders_claimed on orders.orders (claimed_until) where state = 'dispatching';
create index orders_followed on orders.orders (provider_id, next_check_at) where next_check_at is not null;
create index orders_waiting on orders.orders (state, id) where state in ('unknown', 'failed');

-- The history: one row for each step of an order, with the version it led to. Progress alone (start count, remains) is no step. Append-only.
create table orders.order_event (
  order_id bigint not null,
  version bigint not null check (version > 0),
  at timestamptz not null default now(),
  kind text not null check (char_length(kind) between 1 and 40),
  from_state text,
  to_state text not null,
  -- `system`, `customer` or `staff`, and who.
  actor text not null default 'system' check (char_length(actor) between 1 and 80),
  data jsonb,
  primary key (order_id, version, at)
) partition by range (at);
create table orders.order_event_default partition of orders.order_event default;
select platform.ensure_month_partitions('orders.order_event', 3);
create function orders.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'orders.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger append_only before update or delete on orders.order_event for each row execute function orders.refuse_change();

-- Each time an order was sent, or was about to be. Written before anything leaves.
create table orders.attempt (
  key uuid primary key,
  order_id bigint not null references orders.orders on delete restrict,
  number smallint not null check (number > 0),
  provider_id bigint not null,
  provider_service_id text not null,
  state text not null default 'sent' check (state in ('sent', 'accepted', 'rejected', 'unknown')),
  code text check (char_length(code) between 1 and 60),
  message text check (char_length(message) <= 500),
  provider_order_id text check (char_length(provider_order_id) between 1 and 200),
  -- Our balance with the provider, as last read before this attempt, in minor units of its asset.
  provider_balance bigint,
  started_at timestamptz not null default now(),
  ended_at timestamptz,
  constraint attempt_number unique (order_id, number),
  constraint attempt_ended check ((state = 'sent') = (ended_at is null)),
  constraint attempt_accepted check ((state = 'accepted') = (provider_order_id is not null))
) with (fillfactor = 85);
