-- Refills: what was delivered has dropped since, and whoever delivered it makes it good again. No money moves.
create table orders.refill (
  id bigint generated always as identity primary key,
  order_id bigint not null references orders.orders on delete restrict,
  customer_id bigint not null,
  -- Of one order the first, second, third: no more are given.
  number smallint not null check (number between 1 and 3),
  -- Who did the order, and under which number.
  provider_id bigint not null,
  provider_order_id text check (char_length(provider_order_id) between 1 and 200),
  -- Staff see to it: nothing is sent.
  manual boolean not null,
  state text not null check (state in ('asked', 'sent', 'unknown', 'pending', 'in_progress', 'completed', 'rejected', 'error')),
  -- As the provider gives it.
  provider_refill_id text check (char_length(provider_refill_id) between 1 and 200),
  provider_status text check (char_length(provider_status) <= 100),
  -- As the history names them: `customer:17`, `staff:3`.
  asked_by text not null check (char_length(asked_by) between 1 and 80),
  asked_at timestamptz not null,
  attempts smallint not null default 0 check (attempts >= 0),
  -- While asked: when it is sent. At the provider: when it is asked about.
  next_try_at timestamptz,
  claimed_until timestamptz,
  failed_checks smallint not null default 0 check (failed_checks >= 0),
  code text check (char_length(code) between 1 and 60),
  message text check (char_length(message) between 1 and 500),
  -- Where staff said how it ended, or under which number the provider has it.
  decided_by text check (char_length(decided_by) between 1 and 80),
  decision_reason text check (char_length(decision_reason) between 1 and 500),
  ended_at timestamptz,
  version bigint not null default 1 check (version > 0),
  constraint refill_number unique (order_id, number),
  constraint refill_due check ((next_try_at is not null) = (not manual and state in ('asked', 'pending', 'in_progress'))),
  constraint refill_claimed check ((state = 'sent') = (claimed_until is not null)),
  constraint refill_sent check (manual or provider_order_id is not null),
  constraint refill_manual check (not manual or state not in ('sent', 'unknown')),
  constraint refill_at_provider check (manual or state not in ('pending', 'in_progress') or provider_refill_id is not null),
  constraint refill_ended check ((state in ('completed', 'rejected', 'error')) = (ended_at is not null)),
  constraint refill_explained check (state <> 'unknown' or code is not null),
  constraint refill_decided check ((decided_by is null) = (decision_reason is null))
) with (fillfactor = 80);
create index refill_of_customer on orders.refill (customer_id, id desc);
-- One under way for an order; what is not known is under way.
create unique index refill_once on orders.refill (order_id) where state in ('asked', 'sent', 'unknown', 'pending', 'in_progress');
create index refill_open on orders.refill (id desc) where state in ('asked', 'sent', 'unknown', 'pending', 'in_progress');
create index refill_due on orders.refill (provider_id, next_try_at) where next_try_at is not null;
create index refill_claims on orders.refill (claimed_until) where state = 'sent';

-- What of a service's refills is otherwise than the house's rule.
create table orders.refill_rule (
  service_id bigint primary key,
  -- Counted from an order's end; 0 and below: for ever. Null: the house's.
  days int check (days between -1 and 3650),
  -- Not before so many hours after an order's end. Null: the house's.
  wait_hours int check (wait_hours between 0 and 720),
  -- Staff see to refills, whether or not its provider knows any.
  manual boolean not null
);

update identity.role set permissions = permissions || '{orders:refill}' where name = 'support' and not permissions @> '{orders:refill}';
