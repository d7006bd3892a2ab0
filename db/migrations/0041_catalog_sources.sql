-- Several sources for a service: where else it is bought, by which strategy one of them is chosen, how they do, and what is kept away from orders for a while.
alter table catalog.service add column strategy text not null default 'fixed' check (strategy in ('fixed', 'cheapest', 'weighted'));

-- A service without rows here is bought from its own provider alone. One with rows has itself among them.
create table catalog.source (
  service_id bigint not null references catalog.service on delete restrict,
  -- The row of the catalogue that follows the offer of the provider that it is bought at.
  source_id bigint not null references catalog.service on delete restrict,
  -- The lower goes first.
  priority int not null check (priority between 0 and 1000),
  -- Its share of the orders where the strategy is by weight.
  weight int not null check (weight between 1 and 1000),
  enabled boolean not null,
  primary key (service_id, source_id)
);
create index source_of on catalog.source (source_id);

-- What gets no orders for a while, since its provider refused one after another, or because staff say so.
create table catalog.quarantine (
  service_id bigint primary key references catalog.service on delete restrict,
  since timestamptz not null,
  -- From then on one order may go ahead as a trial, and decides.
  until timestamptz not null,
  reason text not null check (char_length(reason) between 1 and 200),
  -- Who imposed it; null: the house itself, or someone at its terminal.
  user_id bigint,
  -- While a trial is under way: when it is given up.
  trial_until timestamptz,
  -- When it ended; what was refused before does not count again.
  released_at timestamptz,
  constraint quarantine_lasts check (until > since)
);

-- How a source did lately, by the attempts to place orders there.
create table catalog.source_health (
  service_id bigint primary key references catalog.service on delete restrict,
  measured_at timestamptz not null,
  accepted int not null check (accepted >= 0),
  -- Refused for reasons of its own, not for the customer's input or our balance; not known; never sent.
  rejected int not null check (rejected >= 0),
  unknown int not null check (unknown >= 0),
  not_sent int not null check (not_sent >= 0),
  -- Of what was accepted: from sending to the answer.
  median_ms int check (median_ms >= 0),
  p95_ms int check (p95_ms >= 0),
  last_rejected_at timestamptz,
  healthy boolean not null
) with (fillfactor = 70);

-- They decide where orders go, so each process must notice. A trial under way is no change of that; measuring tells by itself when a source does well no more.
create trigger revision after insert or update or delete or truncate on catalog.source
  for each statement execute function catalog.bump_revision();
create trigger revision after insert or delete or update of until, released_at or truncate on catalog.quarantine
  for each statement execute function catalog.bump_revision();
