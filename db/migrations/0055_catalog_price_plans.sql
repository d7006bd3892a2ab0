-- Price plans: what some customers pay instead of the rate of the list.
create table catalog.price_plan (
  id bigint generated always as identity primary key,
  name text not null check (char_length(name) between 1 and 80),
  -- Hundredths of a percent off the rate of the list, where no term says otherwise.
  discount_bp bigint not null check (discount_bp between 0 and 10000),
  -- Whether its rates may be below the least margin of the mark-up rules. None is ever below the cost.
  below_margin boolean not null default false,
  -- Grows with each change, so that of two who change it at once the second is told.
  version bigint not null default 1 check (version >= 1),
  updated_at timestamptz not null default now(),
  constraint price_plan_name_once unique (name)
);

-- What a plan says of one service, or of one of our categories. The service's term decides before its category's.
create table catalog.price_plan_term (
  plan_id bigint not null references catalog.price_plan on delete cascade,
  service_id bigint references catalog.service on delete restrict,
  category text check (char_length(category) between 1 and 200),
  -- Micro-USD per 1000 or package, or hundredths of a percent off the list.
  rate bigint check (rate between 0 and 1000000000000),
  discount_bp bigint check (discount_bp between 0 and 10000),
  constraint price_plan_term_scope check (num_nonnulls(service_id, category) = 1),
  constraint price_plan_term_kind check (num_nonnulls(rate, discount_bp) = 1),
  constraint price_plan_term_once unique nulls not distinct (plan_id, service_id, category)
);

-- Who has which: a customer at most one, which goes before that of their role.
create table catalog.price_plan_customer (
  customer_id bigint primary key references identity.user on delete restrict,
  plan_id bigint not null references catalog.price_plan on delete restrict
);
create index price_plan_customers on catalog.price_plan_customer (plan_id);
create table catalog.price_plan_role (
  role text primary key references identity.role on delete cascade,
  plan_id bigint not null references catalog.price_plan on delete restrict
);

-- What each plan said since when, whole. Only ever added to; a plan that is gone keeps its history.
create table catalog.price_plan_change (
  plan_id bigint not null,
  version bigint not null check (version >= 1),
  at timestamptz not null,
  -- Null: at the terminal, or the house itself.
  user_id bigint,
  reason text check (char_length(reason) between 1 and 500),
  -- Null: it was removed.
  terms jsonb,
  primary key (plan_id, version)
);
create trigger append_only before update or delete on catalog.price_plan_change for each row execute function catalog.refuse_change();
create trigger never_emptied before truncate on catalog.price_plan_change for each statement execute function catalog.refuse_change();

-- Every process that sells reads plans, who has them, and the least margins together with the services.
do $$
declare name text;
begin
  foreach name in array array['price_plan', 'price_plan_term', 'price_plan_customer', 'price_plan_role', 'markup_rule'] loop
    execute format('create trigger revision after insert or update or delete or truncate on catalog.%I for each statement execute function catalog.bump_revision()', name);
  end loop;
end $$;
