-- What a provider lets us find out about an order of which we do not know whether it was placed.
alter table providers.provider
  -- How long after it was sent first the same order may be sent again, where the provider knows repetitions.
  add column idempotency_window_s integer not null default 120 check (idempotency_window_s between 10 and 86400),
  -- Whether it can be asked for a list of our orders: an extension that few panels offer.
  add column lists_orders boolean not null default false,
  -- When the balance that stands here was asked for; the time of the last attempt to read it stands beside and may be later.
  add column balance_read_at timestamptz;
update providers.provider set balance_read_at = balance_checked_at where balance_status = 'ok';
