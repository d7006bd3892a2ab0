-- The reconciliation desk: what is known of attempts that may or may not have placed an order, and what was done to find out.
alter table orders.attempt
  -- When the balance that stands here was asked for.
  add column provider_balance_at timestamptz,
  -- What its provider was said to do with the same order sent twice when this was sent; null for those sent before that was kept, which are never repeated.
  add column idempotency text check (idempotency in ('none', 'request_id', 'natural_window')),
  -- How often the same was sent again under the same key.
  add column repeats smallint not null default 0 check (repeats >= 0);

-- One for each attempt whose fate became unknown. It outlives the order's resolution as a record of what was found.
create table orders.unknown_case (
  attempt uuid primary key references orders.attempt on delete restrict,
  order_id bigint not null references orders.orders on delete restrict,
  opened_at timestamptz not null default now(),
  -- The first balance that could be read after the attempt, in minor units of the provider's asset, and when it was asked for.
  balance_after bigint,
  balance_after_at timestamptz,
  -- How often was looked for a proof, when last, and when next; without a next time only people look.
  tries smallint not null default 0 check (tries >= 0),
  tried_at timestamptz,
  next_try_at timestamptz default now(),
  -- What the last try found, and on what grounds.
  finding text check (char_length(finding) between 1 and 40),
  evidence jsonb,
  constraint unknown_case_balance check ((balance_after is null) = (balance_after_at is null)),
  constraint unknown_case_tried check ((tries = 0) = (tried_at is null))
);
create index unknown_cases_due on orders.unknown_case (next_try_at) where next_try_at is not null;
create index unknown_cases_of_order on orders.unknown_case (order_id);
