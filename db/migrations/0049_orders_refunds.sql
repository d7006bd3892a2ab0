-- Refunds by staff, of orders that have ended: what was captured goes back, with a reason.
alter table orders.orders add column refunded bigint not null default 0;
-- Never more than was taken, less what went back before.
alter table orders.orders add constraint order_refunded_within check (refunded between 0 and captured);

create table orders.refund (
  id bigint generated always as identity primary key,
  order_id bigint not null references orders.orders on delete restrict,
  customer_id bigint not null,
  asset text not null,
  -- Minor units.
  amount bigint not null check (amount > 0),
  -- The customer is told it.
  reason text not null check (char_length(reason) between 1 and 500),
  state text not null check (state in ('asked', 'posted', 'refused', 'expired')),
  asked_by bigint not null references identity.user on delete restrict,
  asked_at timestamptz not null,
  -- Until when a second person may decide; null where none was needed.
  expires_at timestamptz check (expires_at > asked_at),
  decided_by bigint references identity.user on delete restrict,
  decided_at timestamptz,
  decision_reason text check (char_length(decision_reason) between 1 and 500),
  -- Under which version of the order the money moved, by which the ledger knows it.
  order_version bigint,
  constraint refund_posted check ((state = 'posted') = (order_version is not null)),
  constraint refund_once unique (order_id, order_version),
  constraint refund_waits check (state not in ('asked', 'expired') or expires_at is not null),
  constraint refund_decided check ((decided_by is null) = (decided_at is null)),
  constraint refund_two_persons check (decided_by <> asked_by and (state <> 'posted' or expires_at is null or decided_by is not null)),
  -- Nobody gives to themselves.
  constraint refund_own check (asked_by <> customer_id and decided_by is distinct from customer_id)
);
create index refund_of_order on orders.refund (order_id, id);
create index refund_by_state on orders.refund (state, id desc);
-- What one person has given alone of late, and what waits too long.
create index refund_alone on orders.refund (asked_by, asked_at) where state = 'posted' and decided_by is null;
create index refund_open on orders.refund (expires_at) where state = 'asked';
