-- Rights: roles as presets, what single users have more or less than their role, and the areas in which people sign in.

-- A permission pattern: words joined by colons; * is any word (as the last one or more), {id} any number.
create function identity.are_patterns(patterns text[]) returns boolean immutable parallel safe language sql
  return coalesce((
    select bool_and(pattern ~ '^(\*|\{id\}|[a-z0-9][a-z0-9_-]{0,39})(:(\*|\{id\}|[a-z0-9][a-z0-9_-]{0,39})){0,7}$')
    from unnest(patterns) as pattern), true);

alter table identity.role
  add column description text not null default '' check (char_length(description) <= 300),
  -- Staff answer for other people's money: their doors may be bound to networks and to a second factor.
  add column staff boolean not null default false,
  -- Where its people sign in besides /api/v1; null: nowhere else.
  add column area text check (area in ('admin', 'support', 'teamlead', 'trader', 'merchant')),
  -- Seeded by us, so not to be removed.
  add column built_in boolean not null default false,
  add column updated_at timestamptz not null default now(),
  add constraint role_permissions_are_patterns check (identity.are_patterns(permissions));

insert into identity.role (name, permissions) values ('support', '{}'), ('teamlead', '{}'), ('trader', '{}'), ('merchant', '{}')
on conflict (name) do nothing;

update identity.role set built_in = true, staff = preset.staff, area = preset.area, description = preset.description,
  permissions = role.permissions || (
    select coalesce(array_agg(more), '{}') from unnest(string_to_array(preset.permissions, ' ')) as more where more <> all(role.permissions))
from (values
  ('administrator', true, 'admin', 'May do everything.', ''),
  ('support', true, 'support', 'Helps customers, traders and merchants: finds them, and blocks customers.',
    'account:*:own sessions:*:own messages:*:own services:read '
    'users:read:customer:{id} users:read:trader:{id} users:read:merchant:{id} users:block:customer:{id} users:end-sessions:customer:{id}'),
  ('teamlead', true, 'teamlead', 'Leads traders; which of them, is granted to each: users:read:trader:17.', 'account:*:own sessions:*:own messages:*:own'),
  ('trader', false, 'trader', 'Works off payments with requisites of their own.', 'account:*:own sessions:*:own messages:*:own'),
  ('merchant', false, 'merchant', 'Takes payments for stores of their own.', 'account:*:own sessions:*:own messages:*:own api-keys:*:own webhooks:*:own'),
  ('customer', false, null, 'Orders for themselves or resells.', '')
) as preset (name, staff, area, description, permissions)
where preset.name = role.name;

alter table identity.user
  -- On top of the role.
  add column granted text[] not null default '{}'
    check (cardinality(granted) <= 200 and array_position(granted, null) is null and identity.are_patterns(granted)),
  -- Stronger than any grant.
  add column denied text[] not null default '{}'
    check (cardinality(denied) <= 200 and array_position(denied, null) is null and identity.are_patterns(denied)),
  add column blocked_at timestamptz,
  add column blocked_reason text check (char_length(blocked_reason) between 1 and 500),
  add constraint user_blocked_at_is_of_blocked check (blocked_at is null or state = 'blocked'),
  add constraint user_blocked_reason_is_of_blocked check (blocked_reason is null or state = 'blocked');

-- Staff list users newest first, of some roles, and search by the beginning of a name or an address.
create index user_by_role on identity.user (role, id desc);
drop index identity.user_role;
create index user_by_email_start on identity.user (email text_pattern_ops);
create index user_by_name_start on identity.user (lower(name) text_pattern_ops) where name <> '';

-- Where it was opened; null: at /api/v1.
alter table identity.session
  add column area text check (area in ('admin', 'support', 'teamlead', 'trader', 'merchant'));

-- What each user may do, as credentials carry it.
create view identity.holder as
  select holder.id as user_id, holder.state, holder.role, role.staff, role.area,
    role.permissions || holder.granted as permissions, holder.denied
  from identity.user as holder
  join identity.role on role.name = holder.role;

-- All that `holder` shows is told to every process.
drop trigger tell_change on identity.role;
create trigger tell_change after update of name, permissions, staff, area or delete on identity.role
  for each row execute function identity.tell_change();
drop trigger tell_change on identity.user;
create trigger tell_change after update of role, state, granted, denied or delete on identity.user
  for each row execute function identity.tell_change();

-- A house without an active administrator could not be governed any more.
create function identity.keep_an_administrator() returns trigger language plpgsql as $$
begin
  -- One after another: two administrators who remove each other must not both see the other one stay.
  perform 1 from identity.role where name = 'administrator' for no key update;
  if not exists (select 1 from identity.user where role = 'administrator' and state = 'active' and denied = '{}') then
    raise exception using errcode = 'check_violation', constraint = 'last_administrator',
      message = 'the last active administrator cannot be removed, blocked or demoted';
  end if;
  return null;
end $$;

create trigger keep_an_administrator after update of role, state, denied on identity.user
  for each row when (
    old.role = 'administrator' and old.state = 'active' and old.denied = '{}'
    and not (new.role = 'administrator' and new.state = 'active' and new.denied = '{}'))
  execute function identity.keep_an_administrator();
create trigger keep_an_administrator_there after delete on identity.user
  for each row when (old.role = 'administrator' and old.state = 'active' and old.denied = '{}')
  execute function identity.keep_an_administrator();

-- The role behind that cannot be emptied either.
create function identity.keep_administrators_whole() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'check_violation', constraint = 'administrator_is_whole',
    message = 'the role administrator may do everything and stays';
end $$;
create trigger administrator_is_whole before update of name, permissions, staff on identity.role
  for each row when (old.name = 'administrator' and (new.name <> old.name or new.permissions <> old.permissions or not new.staff))
  execute function identity.keep_administrators_whole();
create trigger administrator_is_whole_still before delete on identity.role
  for each row when (old.name = 'administrator') execute function identity.keep_administrators_whole();
