-- Who may do what: roles, users, their sessions and API keys.
create schema identity;

-- A role is a preset of permissions: words joined by colons, where * stands for one word, or at the end for all that follow.
create table identity.role (
  name text primary key check (name ~ '^[a-z][a-z0-9_-]{1,39}$'),
  permissions text[] not null check (cardinality(permissions) <= 200 and array_position(permissions, null) is null)
);

insert into identity.role (name, permissions) values
  ('administrator', '{*}'),
  ('customer', '{services:read,balance:read:own,account:*:own,api-keys:*:own,sessions:*:own,orders:*:own}');

create table identity.user (
  id bigint generated always as identity primary key,
  -- Lower-cased ASCII, so that one address is one row whatever the collation.
  email text not null unique
    check (char_length(email) between 3 and 254 and email !~ '[^\x21-\x7e]' and email ~ '^[^@A-Z]+@[^@A-Z]+$'),
  name text not null default '' check (char_length(name) <= 100),
  password_hash text not null check (password_hash like '$argon2id$%' and char_length(password_hash) <= 300),
  role text not null references identity.role on update cascade on delete restrict,
  state text not null default 'active' check (state in ('active', 'blocked')),
  locale text not null default 'en' check (locale in ('en', 'bn', 'ru')),
  created_at timestamptz not null default now()
);
create index user_role on identity.user (role);

-- Only the hash of a token is kept: who reads the table cannot sign in with it.
create table identity.session (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  user_id bigint not null references identity.user on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  -- Written rarely, at most once a minute.
  last_seen_at timestamptz not null,
  user_agent text not null default '' check (char_length(user_agent) <= 200),
  ip inet,
  ended_at timestamptz
) with (fillfactor = 80);
create index session_of_user on identity.session (user_id, created_at);
create index session_expiry on identity.session (expires_at);

create table identity.api_key (
  id bigint generated always as identity primary key,
  user_id bigint not null references identity.user on delete restrict,
  name text not null check (char_length(name) between 1 and 100),
  -- The first characters of the key, by which its owner recognises it.
  prefix text not null check (char_length(prefix) between 6 and 16),
  key_hash bytea not null unique check (octet_length(key_hash) = 32),
  scopes text[] not null check (cardinality(scopes) between 1 and 20 and scopes <@ '{*,read,order}'::text[]),
  -- Empty: from everywhere.
  allowed_ips cidr[] not null default '{}' check (cardinality(allowed_ips) <= 50),
  -- Whether old clients may send the key in the URL of a GET.
  legacy_get boolean not null default false,
  created_at timestamptz not null,
  expires_at timestamptz check (expires_at > created_at),
  revoked_at timestamptz,
  -- Written rarely, at most once a minute.
  last_used_at timestamptz
) with (fillfactor = 80);
create index api_key_of_user on identity.api_key (user_id, id);

-- Every process keeps checked credentials in memory. Whatever takes a right away tells them all, in the same transaction,
-- also when it is done by hand. `last_used_at` and `last_seen_at` are in no list below: they tell nothing.
create function identity.tell_change() returns trigger language plpgsql as $$
begin
  perform pg_notify('identity_changed', case tg_table_name
    when 'api_key' then 'key:' || encode((to_jsonb(old) ->> 'key_hash')::bytea, 'hex')
    when 'session' then 'session:' || encode((to_jsonb(old) ->> 'token_hash')::bytea, 'hex')
    when 'user' then 'user:' || (to_jsonb(old) ->> 'id')
    else 'role:' || (to_jsonb(old) ->> 'name')
  end);
  return null;
end $$;

create trigger tell_change after update of name, permissions or delete on identity.role
  for each row execute function identity.tell_change();
create trigger tell_change after update of role, state or delete on identity.user
  for each row execute function identity.tell_change();
create trigger tell_change after update of scopes, allowed_ips, legacy_get, expires_at, revoked_at or delete on identity.api_key
  for each row execute function identity.tell_change();
create trigger tell_ending after update of ended_at, expires_at on identity.session
  for each row when (old.ended_at is null) execute function identity.tell_change();
create trigger tell_deletion after delete on identity.session
  for each row when (old.ended_at is null and old.expires_at > now()) execute function identity.tell_change();
