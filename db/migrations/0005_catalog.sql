-- The catalogue: what Saldo sells, at which price, and at which provider it is bought.
create schema catalog;

create table catalog.service (
  id bigint generated always as identity primary key,
  name text not null check (char_length(name) between 1 and 500),
  category text not null check (char_length(category) between 1 and 200),
  description text check (char_length(description) <= 10000),
  type text not null check (type in ('Default', 'Package', 'Custom Comments')),
  -- What an order is priced and checked by. Micro-USD per 1000, or for one package. The two upper bounds keep
  -- rate × quantity ÷ 1000 within a bigint, whatever is ordered.
  rate bigint not null check (rate between 0 and 1000000000000),
  min bigint not null,
  max bigint not null check (max <= 1000000000),
  provider_id bigint not null references providers.provider on delete restrict,
  provider_service_id text not null check (char_length(provider_service_id) between 1 and 100),
  -- What the provider takes: minor units of its asset per 1000, or for one package.
  cost bigint not null check (cost >= 0),
  cost_asset text not null check (cost_asset ~ '^[A-Z][A-Z0-9]{1,11}$'),
  -- The cost in micro-USD, rounded up, at the exchange rate of the last import.
  cost_usd bigint check (cost_usd >= 0),
  refill boolean not null default false,
  cancel boolean not null default false,
  dripfeed boolean not null default false,
  active boolean not null default true,
  deactivated_reason text
    check (deactivated_reason in ('staff', 'vanished', 'unreadable', 'type_not_sold', 'limits_conflict', 'below_cost')),
  -- What the last import made of the provider's offer, and why it cannot be sold as it is offered now.
  offered_rate bigint check (offered_rate >= 0),
  offered_min bigint check (offered_min >= 1),
  offered_max bigint check (offered_max >= offered_min),
  offer_gap text check (offer_gap in ('vanished', 'unreadable', 'type_not_sold')),
  -- What staff decided; stands above the offer and outlives imports.
  staff_rate bigint check (staff_rate >= 0),
  staff_min bigint check (staff_min >= 1),
  staff_max bigint check (staff_max >= 1),
  staff_off boolean not null default false,
  position int not null default 0,
  version bigint not null default 1 check (version >= 1),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint service_limits check (1 <= min and min <= max),
  constraint service_reason check (not active or deactivated_reason is null),
  constraint service_sellable check (not active or (not staff_off and offer_gap is null)),
  constraint service_of_provider unique (provider_id, provider_service_id)
);

-- One row: grows with every statement that changes services, so that each process notices cheaply that its copy is old.
create table catalog.revision (
  singleton boolean primary key default true check (singleton),
  value bigint not null
);
insert into catalog.revision (value) values (1);

-- A trigger, not a line in each verb: a correction made by hand in SQL must reach the running processes too.
create function catalog.bump_revision() returns trigger language plpgsql as $$
begin
  update catalog.revision set value = value + 1;
  return null;
end $$;
create trigger revision after insert or update or delete or truncate on catalog.service
  for each statement execute function catalog.bump_revision();
