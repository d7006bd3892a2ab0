-- Subscriptions: an order that its provider turns into orders of their own, one for each post that it finds.
create table orders.subscription (
  id bigint primary key references orders.orders (id) on delete restrict,
  customer_id bigint not null,
  min_quantity bigint not null check (min_quantity > 0),
  max_quantity bigint not null,
  delay_minutes smallint not null check (delay_minutes between 0 and 600),
  -- What its customer wants; null is without limit.
  posts smallint check (posts > 0),
  old_posts smallint not null check (old_posts >= 0),
  expires_on date,
  -- The bound: never are more billed.
  posts_max smallint not null check (posts_max between 1 and 1000),
  posts_billed smallint not null default 0 check (posts_billed >= 0),
  last_post_at timestamptz,
  -- How it stands by its provider's last word that is one of subscriptions.
  standing text check (standing in ('active', 'paused', 'completed', 'expired', 'cancelled')),
  -- Why the house wants no more posts, and since when.
  stop_reason text check (stop_reason in ('no_funds', 'posts_reached', 'expired', 'no_posts', 'too_many')),
  stopped_at timestamptz,
  placed_at timestamptz not null default now(),
  constraint subscription_range check (min_quantity <= max_quantity),
  constraint subscription_bounded check (posts_billed <= posts_max),
  constraint subscription_stopped check ((stop_reason is null) = (stopped_at is null))
) with (fillfactor = 80);
create index subscriptions_of_customer on orders.subscription (customer_id, id);

-- What providers report for a subscription and nobody pays us for.
create table orders.unbilled_post (
  subscription_id bigint not null references orders.subscription (id) on delete restrict,
  provider_id bigint not null,
  provider_order_id text not null check (char_length(provider_order_id) between 1 and 200),
  why text not null check (why in ('no_funds', 'too_many', 'another_order')),
  -- What it is booked to have cost, in minor units of `asset`.
  cost bigint not null check (cost >= 0),
  asset text not null,
  seen_at timestamptz not null,
  primary key (subscription_id, provider_id, provider_order_id)
);
-- Its cost is booked once, whoever reports it again.
create unique index unbilled_post_once on orders.unbilled_post (provider_id, provider_order_id) where why <> 'another_order';

-- Which post of which subscription an order is. A subscription gives its reserve back before it ends, where the next post has used it or none is wanted; all other orders are settled as they end.
alter table orders.orders
  add column subscription_id bigint,
  add column post smallint,
  add constraint order_post check ((subscription_id is null) = (post is null)) not valid,
  drop constraint order_final,
  add constraint order_final check (
    case
      when type = 'Subscriptions' and subscription_id is null then state not in ('completed', 'partial', 'cancelled') or captured + released = charge
      else (state in ('completed', 'partial', 'cancelled')) = (captured + released = charge)
    end) not valid;
