-- Registrations, links that work once, changes of address, and a second factor.

-- A registration becomes a user when its address is confirmed; until then it holds neither a right nor the address, so that
-- nobody can occupy another's. Several may wait for one address, each with its own link and its own password.
create table identity.registration (
  id bigint generated always as identity primary key,
  -- Of the handle by which the one who registered asks for the mail again.
  handle_hash bytea not null unique check (octet_length(handle_hash) = 32),
  email text not null
    check (char_length(email) between 3 and 254 and email !~ '[^\x21-\x7e]' and email ~ '^[^@A-Z]+@[^@A-Z]+$'),
  name text not null check (char_length(name) <= 100),
  password_hash text not null check (password_hash like '$argon2id$%' and char_length(password_hash) <= 300),
  locale text not null check (locale in ('en', 'bn', 'ru')),
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  -- Its first mail, or the notice to the owner of the address, was asked for.
  answered_at timestamptz,
  confirmed_at timestamptz
);
create index registration_of_email on identity.registration (email, created_at);
create index registration_expiry on identity.registration (expires_at);

-- An address changes when both the old and the new one have agreed.
create table identity.email_change (
  id bigint generated always as identity primary key,
  user_id bigint not null references identity.user on delete cascade,
  new_email text not null
    check (char_length(new_email) between 3 and 254 and new_email !~ '[^\x21-\x7e]' and new_email ~ '^[^@A-Z]+@[^@A-Z]+$'),
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  old_confirmed_at timestamptz,
  new_confirmed_at timestamptz,
  done_at timestamptz check (done_at is null or (old_confirmed_at is not null and new_confirmed_at is not null)),
  -- A later change, or a new password, took its place.
  voided_at timestamptz check (voided_at is null or done_at is null)
);
create index email_change_of_user on identity.email_change (user_id, created_at);
create index email_change_expiry on identity.email_change (expires_at);

-- The token of a link is computed from id, nonce and the key of the house when the mail is written; it is stored nowhere.
create table identity.one_time_link (
  id bigint generated always as identity primary key,
  purpose text not null check (purpose in ('confirm_email', 'reset_password', 'confirm_new_email', 'confirm_old_email')),
  user_id bigint references identity.user on delete cascade,
  registration_id bigint references identity.registration on delete cascade,
  email_change_id bigint references identity.email_change on delete cascade,
  email text not null
    check (char_length(email) between 3 and 254 and email !~ '[^\x21-\x7e]' and email ~ '^[^@A-Z]+@[^@A-Z]+$'),
  locale text not null check (locale in ('en', 'bn', 'ru')),
  -- A copy of the database that draws the same id again makes another token of it.
  nonce text not null check (nonce ~ '^[A-Za-z0-9_-]{22}$'),
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  used_at timestamptz,
  -- Another link of its kind was used, or what it was for is settled.
  voided_at timestamptz,
  check (num_nonnulls(user_id, registration_id) = 1),
  check (registration_id is null or purpose = 'confirm_email'),
  check ((email_change_id is not null) = (purpose in ('confirm_new_email', 'confirm_old_email')))
);
create index one_time_link_of_user on identity.one_time_link (user_id, purpose, created_at);
create index one_time_link_of_registration on identity.one_time_link (registration_id);
create index one_time_link_of_change on identity.one_time_link (email_change_id);
create index one_time_link_expiry on identity.one_time_link (expires_at);

alter table identity.user
  -- When the address was last proven to be the user's own; null for those whom staff created and who have not shown it.
  add column email_confirmed_at timestamptz,
  -- Came by the public door and not through staff: may have to prove the address first.
  add column self_registered boolean not null default false,
  add column time_zone text not null default 'UTC' check (char_length(time_zone) between 1 and 64),
  add column password_changed_at timestamptz;

-- What a confirmation gives is known to every process, as what a block takes.
create function identity.tell_user_change() returns trigger language plpgsql as $$
begin
  perform pg_notify('identity_changed', 'user:' || case tg_table_name
    when 'user' then to_jsonb(coalesce(new, old)) ->> 'id'
    else to_jsonb(coalesce(new, old)) ->> 'user_id'
  end);
  return null;
end $$;
create trigger tell_confirmation after update of email_confirmed_at on identity.user
  for each row when (old.email_confirmed_at is distinct from new.email_confirmed_at) execute function identity.tell_user_change();

alter table identity.session
  -- By which its owner names it; the token's hash is shown to nobody.
  add column id bigint generated always as identity unique;

-- A token that was replaced is forgotten everywhere, as one that ended.
create trigger tell_rotation after update of token_hash on identity.session
  for each row when (old.token_hash <> new.token_hash) execute function identity.tell_change();

-- Cost of the hashes in use, so that a refusal works as hard whatever is stored.
create index user_password_cost on identity.user (split_part(password_hash, '$', 4));

-- A sign-in whose password was right and whose second factor is still to come. It opens nothing.
create table identity.sign_in_challenge (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  user_id bigint not null references identity.user on delete cascade,
  area text check (area in ('admin', 'support', 'teamlead', 'trader', 'merchant')),
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at)
);
create index sign_in_challenge_of_user on identity.sign_in_challenge (user_id);
create index sign_in_challenge_expiry on identity.sign_in_challenge (expires_at);

-- Browsers and networks from which a user signed in before: not held up when others try that user's passwords.
create table identity.known_device (
  user_id bigint not null references identity.user on delete cascade,
  token_hash bytea not null check (octet_length(token_hash) = 32),
  -- As attempts are counted: an IPv4 address or a /64.
  network text not null check (char_length(network) <= 50),
  user_agent text not null check (char_length(user_agent) <= 200),
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  primary key (user_id, token_hash)
);
create index known_device_by_age on identity.known_device (last_seen_at);

create table identity.totp (
  user_id bigint primary key references identity.user on delete cascade,
  secret_ciphertext bytea not null check (octet_length(secret_ciphertext) between 29 and 300),
  key_id text not null check (key_id ~ '^[0-9a-f]{16}$'),
  created_at timestamptz not null,
  -- Null until a first code has shown that the secret arrived.
  confirmed_at timestamptz,
  -- The last step of time whose code was accepted: no code counts twice.
  last_step bigint check (last_step >= 0)
);
create trigger tell_change after insert or update of confirmed_at or delete on identity.totp
  for each row execute function identity.tell_user_change();

create table identity.recovery_code (
  user_id bigint not null references identity.totp on delete cascade,
  code_hash bytea not null check (octet_length(code_hash) = 32),
  created_at timestamptz not null,
  used_at timestamptz,
  primary key (user_id, code_hash)
);

alter table identity.api_key
  -- The key that this one took the place of.
  add column rotated_from bigint references identity.api_key on delete set null;
create unique index api_key_rotation_once on identity.api_key (rotated_from);
