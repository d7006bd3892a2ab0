-- Discounts for a time: hundredths of a percent off the list, which customers are granted one by one, each until a moment of their own.
create table catalog.discount (
  id bigint generated always as identity primary key,
  discount_bp bigint not null check (discount_bp between 1 and 10000),
  -- Whether its rates may be below the least margin of the mark-up rules. None is ever below the cost.
  below_margin boolean not null,
  -- From then on nobody has it any more; null: it may be granted until it is closed.
  over_at timestamptz
);
create index discount_over on catalog.discount (over_at);

-- Every process that sells keeps those in memory that someone may have.
create trigger revision after insert or update or delete or truncate on catalog.discount for each statement execute function catalog.bump_revision();

-- Who has it, and until when. It ends by the clock of whoever prices: nothing has to be done. No process keeps it longer than a revision, so it needs none of its own.
create table catalog.discount_customer (
  customer_id bigint not null references identity.user on delete restrict,
  discount_id bigint not null references catalog.discount on delete restrict,
  granted_at timestamptz not null,
  ends_at timestamptz not null,
  primary key (customer_id, discount_id),
  constraint discount_customer_span check (ends_at > granted_at)
);
create index discount_customers on catalog.discount_customer (discount_id, ends_at);
create trigger append_only before update or delete on catalog.discount_customer for each row execute function catalog.refuse_change();
create trigger never_emptied before truncate on catalog.discount_customer for each statement execute function catalog.refuse_change();
