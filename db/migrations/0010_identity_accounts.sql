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
