-- Wishes that a provider should end an order: asked for by its customer or by staff, sent in the background. What becomes of the order only its status tells.
create table orders.cancel_request (
  id bigint generated always as identity primary key,
  order_id bigint not null references orders.orders on delete restrict,
  -- As the history names them: `customer:17`, `staff:3`.
  asked_by text not null check (char_length(asked_by) between 1 and 80),
  asked_at timestamptz not null,
  state text not null check (state in ('asked', 'sent', 'accepted', 'refused', 'unknown', 'dropped')),
  attempts smallint not null default 0 check (attempts >= 0),
  -- While asked: when it is tried.
  next_try_at timestamptz,
  -- While sent: when whoever sent it is given up.
  claimed_until timestamptz,
  -- To which number at the provider it went.
  provider_order_id text check (char_length(provider_order_id) between 1 and 200),
  -- Why it was refused, or is not known.
  code text check (char_length(code) between 1 and 60),
  message text check (char_length(message) between 1 and 500),
  ended_at timestamptz,
  constraint cancel_request_due check ((state = 'asked') = (next_try_at is not null)),
  constraint cancel_request_claimed check ((state = 'sent') = (claimed_until is not null)),
  constraint cancel_request_sent check (state <> 'sent' or (provider_order_id is not null and attempts > 0)),
  constraint cancel_request_ended check ((state in ('asked', 'sent')) = (ended_at is null)),
  constraint cancel_request_explained check (state not in ('refused', 'unknown') or code is not null)
) with (fillfactor = 80);
create index cancel_request_of_order on orders.cancel_request (order_id, id);
-- One under way for an order.
create unique index cancel_request_once on orders.cancel_request (order_id) where state in ('asked', 'sent');
create index cancel_request_asked on orders.cancel_request (next_try_at) where state = 'asked';
create index cancel_request_claims on orders.cancel_request (claimed_until) where state = 'sent';

update identity.role set permissions = permissions || '{orders:cancel}' where name = 'support' and not permissions @> '{orders:cancel}';
