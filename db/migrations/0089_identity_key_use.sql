-- A key that is used in a way that its owner is not known for is suspended: it opens nothing until it is reinstated or rotated.
alter table identity.api_key
  add column suspended_at timestamptz,
  -- A rule of the house, or a member of staff.
  add column suspended_by text,
  -- Which rule, or what staff wrote.
  add column suspended_for text,
  -- The figures that the rule went by.
  add column suspension_evidence jsonb,
  -- How often it was reinstated. What it is used for is counted apart from before, so that nothing is held against it twice.
  add column spell smallint not null default 0;

alter table identity.api_key
  add constraint api_key_suspended check (num_nulls(suspended_at, suspended_by, suspended_for) in (0, 3)),
  add constraint api_key_suspended_by check (suspended_by in ('rule', 'staff')),
  add constraint api_key_suspended_for check (char_length(suspended_for) between 1 and 500),
  add constraint api_key_suspension_evidence check (suspended_at is not null or suspension_evidence is null),
  add constraint api_key_spell check (spell >= 0);

drop trigger tell_change on identity.api_key;
create trigger tell_change after delete or update of scopes, allowed_ips, legacy_get, expires_at, revoked_at, suspended_at on identity.api_key
  for each row execute function identity.tell_change();

-- What each key was used for, by the hour (UTC). Counted by each process and written every few seconds: what a process has not written when it is killed is lost.
create table identity.key_hour (
  key_id bigint not null references identity.api_key (id) on delete cascade,
  hour timestamptz not null,
  spell smallint not null,
  -- Requests whose key was right, by door.
  rest_requests bigint not null default 0,
  panel_requests bigint not null default 0,
  -- Requests with the key from where it may not be used.
  foreign_requests bigint not null default 0,
  -- Requests beyond the key's or its owner's rate limit.
  rate_limited bigint not null default 0,
  orders bigint not null default 0,
  -- Charges of those orders, in minor units.
  spent bigint not null default 0,
  orders_refused bigint not null default 0,
  -- From how many networks it was used.
  networks int not null default 0,
  primary key (key_id, hour, spell)
) with (fillfactor = 70);
-- Which keys were used just now, and what is old enough to go.
create index key_hour_by_hour on identity.key_hour (hour);

-- From which networks a key was used in an hour, for as long as they are counted.
create table identity.key_network (
  key_id bigint not null references identity.api_key (id) on delete cascade,
  hour timestamptz not null,
  spell smallint not null,
  network inet not null,
  primary key (hour, key_id, spell, network)
);
