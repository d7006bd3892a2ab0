-- Orders are not sent at a loss unless staff say so.
alter table orders.orders add column accepted_cost bigint check (accepted_cost >= 0);
comment on column orders.orders.accepted_cost is
  'What staff accept that it costs although that is above its price, in minor units of cost_asset. Null: no more than its price.';
comment on column orders.orders.expected_cost is
  'What its provider is expected to take, in minor units of cost_asset: as the catalogue said when it was placed, or last about to be sent.';
