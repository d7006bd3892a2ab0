-- Choosing what to take of a provider: its list is kept for a while, and what was taken in is written down.

-- Our own category of a service, which stands above the provider's.
alter table catalog.service add column staff_category text check (char_length(staff_category) between 1 and 200);

-- A provider's list as someone looks at it. Kept for an hour; what is taken of it is taken from what was seen.
create table catalog.offer (
  id bigint generated always as identity primary key,
  provider_id bigint not null references providers.provider on delete restrict,
  asked_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > asked_at),
  user_id bigint,
  -- Rows that could not be read at all.
  unreadable int not null check (unreadable >= 0),
  listed int not null check (listed between 0 and 50000),
  -- As it was told: json and not jsonb, which takes neither NUL nor halves of surrogate pairs.
  services json not null
);
create index offer_of_provider on catalog.offer (provider_id, id);

-- How many services a list had that was not trusted, and so not applied, when it was read last.
alter table catalog.refresh add column distrusted int check (distrusted >= 0);
alter table catalog.refresh add constraint refresh_distrusted check (distrusted is null or problem is not null);

-- What was taken in, when and by whom; what became of each service stands in catalog.service_change. Only ever added to.
create table catalog.service_import (
  id bigint generated always as identity primary key,
  provider_id bigint not null references providers.provider on delete restrict,
  at timestamptz not null,
  -- Null: at the terminal.
  user_id bigint,
  -- When the list was asked for.
  asked_at timestamptz not null,
  -- Null: all of it.
  chosen int check (chosen > 0),
  created int not null check (created >= 0),
  updated int not null check (updated >= 0),
  unchanged int not null check (unchanged >= 0),
  deactivated int not null check (deactivated >= 0),
  refused int not null check (refused >= 0),
  -- The mark-up rule that came with it, if one did.
  percent_bp bigint,
  fixed bigint,
  minimum_margin bigint,
  step bigint,
  constraint service_import_outcomes check (chosen is null or chosen = created + updated + unchanged + refused),
  constraint service_import_markup check (num_nonnulls(percent_bp, fixed, minimum_margin, step) in (0, 4))
);
create index service_import_of_provider on catalog.service_import (provider_id, id);
create trigger append_only before update or delete on catalog.service_import for each row execute function catalog.refuse_change();
create trigger never_emptied before truncate on catalog.service_import for each statement execute function catalog.refuse_change();
