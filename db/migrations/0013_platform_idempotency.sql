-- What requests under an Idempotency-Key asked for and were answered: claimed, filled and committed in the transaction of what they do, so that a row
-- that anyone else sees is whole. Swept once it is older than the setting says.
create table platform.idempotent_request (
  -- Whose keys these are, such as `user:7`: two callers never meet.
  caller text collate "C" not null check (char_length(caller) between 1 and 100),
  -- `POST /api/v1/api-keys`.
  route text collate "C" not null check (char_length(route) between 1 and 300),
  key text collate "C" not null check (char_length(key) between 1 and 255),
  -- A MAC of the request under a key of the house: a bare hash would tell a password in it to whoever tries passwords.
  content bytea not null check (octet_length(content) = 32),
  -- Sealed, since an answer may show what is shown once. Empty only while its transaction is under way.
  answer bytea not null default '' check (octet_length(answer) <= 1048576),
  answer_key_id text not null default '' check (char_length(answer_key_id) <= 64),
  at timestamptz not null default now(),
  primary key (caller, route, key)
) with (fillfactor = 70);
create index idempotent_request_age on platform.idempotent_request (at);
