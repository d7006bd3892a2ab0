-- What operators change while the house runs. The history is the truth: a setting stands at its change of the highest version, and one that was never
-- changed, or whose last change has no value, stands at its default, which only the program knows.
create table platform.setting_change (
  name text not null check (name ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$' and char_length(name) <= 100),
  -- 1, 2, 3 … of each name: of two who change version 7 at once, one finds 8 taken.
  version bigint not null check (version >= 1),
  -- SQL null is the default; a JSON null is a value.
  value jsonb check (octet_length(value::text) <= 16384),
  at timestamptz not null default now(),
  -- `user:7`, `command`.
  actor text not null check (char_length(actor) between 1 and 100),
  reason text not null check (char_length(reason) between 1 and 500),
  primary key (name, version)
);

create function platform.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'platform.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger append_only before update or delete on platform.setting_change
  for each row execute function platform.refuse_change();
create trigger never_emptied before truncate on platform.setting_change
  for each statement execute function platform.refuse_change();

-- Every process has the settings in memory. Whatever changes them tells all, in the same transaction, also when it is done by hand.
create function platform.tell_settings() returns trigger language plpgsql as $$
begin
  perform pg_notify('settings_changed', '');
  return null;
end $$;

create trigger tell_settings after insert on platform.setting_change
  for each statement execute function platform.tell_settings();
