-- Prices: how a rate comes out of a cost, what foreign money is worth, and what became of every service and when.

create table catalog.markup_rule (
  id bigint generated always as identity primary key,
  -- What it prices: one service, one of our categories, all that a provider does, or, with none of the three, the rest. The first of these that has a rule decides.
  service_id bigint references catalog.service on delete restrict,
  category text check (char_length(category) between 1 and 200),
  provider_id bigint references providers.provider on delete restrict,
  -- Hundredths of a percent on top of the cost; then micro-USD per 1000 or package: on top, the least margin, and what rates are rounded up to.
  percent_bp bigint not null check (percent_bp between 0 and 1000000),
  fixed bigint not null check (fixed between 0 and 1000000000000),
  minimum_margin bigint not null check (minimum_margin between 0 and 1000000000000),
  step bigint not null check (step between 100 and 1000000000 and step % 100 = 0),
  updated_at timestamptz not null default now(),
  -- Null: at the terminal, or the house itself.
  updated_by bigint,
  constraint markup_rule_scope check (num_nonnulls(service_id, category, provider_id) <= 1),
  constraint markup_rule_once unique nulls not distinct (service_id, category, provider_id)
);

-- The rule of the house: there is always one that decides.
insert into catalog.markup_rule (percent_bp, fixed, minimum_margin, step) values (3000, 0, 0, 100);

create function catalog.keep_house_rule() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'check_violation', constraint = 'markup_rule_of_house', message = 'the mark-up rule of the house stays';
end $$;
create trigger keep_house_rule before delete on catalog.markup_rule
  for each row when (num_nonnulls(old.service_id, old.category, old.provider_id) = 0) execute function catalog.keep_house_rule();

-- What was imported before there were rules keeps the mark-up of its last import.
insert into catalog.markup_rule (provider_id, percent_bp, fixed, minimum_margin, step)
select distinct on (provider.id) provider.id,
  (act.after -> 'markup' ->> 'percent_bp')::bigint, (act.after -> 'markup' ->> 'fixed')::bigint,
  (act.after -> 'markup' ->> 'minimum_margin')::bigint, 100
from audit.act
join providers.provider on act.subject_kind = 'provider' and act.subject_id = provider.id::text
where act.action = 'services.imported'
order by provider.id, act.at desc, act.id desc;

-- What one unit of a currency was worth since when, in 10^-12 USD. The latest counts, for as long as the setting catalog.exchange_rate_hours_max says.
create table catalog.exchange_rate (
  id bigint generated always as identity primary key,
  asset text not null references ledger.asset check (asset <> 'USD'),
  usd_per_unit bigint not null check (usd_per_unit > 0),
  at timestamptz not null,
  source text not null check (char_length(source) between 1 and 200),
  user_id bigint
);
create index exchange_rate_latest on catalog.exchange_rate (asset, id);

alter table catalog.service drop constraint service_deactivated_reason_check;
alter table catalog.service add constraint service_deactivated_reason_check check (deactivated_reason in
  ('staff', 'vanished', 'unreadable', 'type_not_sold', 'no_exchange_rate', 'rate_out_of_range', 'limits_conflict', 'below_cost'));
comment on column catalog.service.cost_usd is
  'The cost in micro-USD, rounded up. Null while there is no fresh exchange rate: then it is not sold.';

-- What became of a service: its rate, cost, limits, and whether it is sold. Only ever added to.
create table catalog.service_change (
  id bigint generated always as identity primary key,
  service_id bigint not null references catalog.service on delete restrict,
  at timestamptz not null,
  cause text not null check (cause in ('import', 'refresh', 'markup', 'exchange_rate', 'staff')),
  -- Null: at the terminal, or the house itself.
  user_id bigint,
  -- Null before: the service is new.
  rate_before bigint,
  rate bigint not null,
  cost_usd_before bigint,
  cost_usd bigint,
  min_before bigint,
  min bigint not null,
  max_before bigint,
  max bigint not null,
  -- Why it is not sold; null: it is.
  reason_before text,
  reason text,
  constraint service_change_new check (num_nonnulls(rate_before, min_before, max_before) in (0, 3))
);
create index service_change_of_service on catalog.service_change (service_id, id);

-- How the refresh of a provider's prices stands.
create table catalog.refresh (
  provider_id bigint primary key references providers.provider on delete restrict,
  -- When it was last tried.
  tried_at timestamptz not null,
  -- Why that brought nothing; null: it did.
  problem text check (char_length(problem) between 1 and 500),
  -- When the list that was last applied was asked for, and how many services it had. An older one is not applied.
  listed_at timestamptz,
  listed int check (listed >= 0),
  constraint refresh_listed check ((listed_at is null) = (listed is null)),
  constraint refresh_brought_something check (problem is not null or listed_at is not null)
);

create function catalog.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'restrict_violation', message = format('%I.%I is only added to', tg_table_schema, tg_table_name);
end $$;
do $$
declare name text;
begin
  foreach name in array array['service_change', 'exchange_rate'] loop
    execute format('create trigger append_only before update or delete on catalog.%I for each row execute function catalog.refuse_change()', name);
    execute format('create trigger never_emptied before truncate on catalog.%I for each statement execute function catalog.refuse_change()', name);
  end loop;
end $$;
