-- Where providers call us: nothing they say is believed, they only make us ask.
create table providers.hook (
  provider_id bigint primary key references providers.provider on delete cascade,
  -- The secret, sealed under the master key that key_id names.
  secret_ciphertext bytea not null check (octet_length(secret_ciphertext) between 29 and 2000),
  key_id text not null check (char_length(key_id) between 1 and 64),
  rotated_at timestamptz not null,
  -- Calls that were taken, the orders in them that are known and those that are not.
  calls bigint not null default 0 check (calls >= 0),
  known bigint not null default 0 check (known >= 0),
  unknown bigint not null default 0 check (unknown >= 0),
  last_call_at timestamptz
) with (fillfactor = 50);
