-- What staff are alarmed by: one row from the first sign to the all-clear.
create table notifications.alert (
  id bigint generated always as identity primary key,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  -- What it is about, where there can be several: `provider:3`.
  subject text not null check (char_length(subject) <= 100),
  data json not null check (octet_length(data::text) <= 4096),
  raised_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- How often it was seen.
  count bigint not null default 1 check (count >= 1),
  -- When staff were told first and how often; null while it may still be a passing moment.
  told_at timestamptz,
  tellings int not null default 0 check (tellings >= 0),
  -- When they are told (again); null once acknowledged or cleared.
  next_tell_at timestamptz,
  -- Since when it has been well again, while it may still come back.
  good_since timestamptz,
  cleared_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by bigint references identity.user on delete set null,
  constraint alert_told check ((told_at is null) = (tellings = 0)),
  constraint alert_quiet check (next_tell_at is null or (cleared_at is null and acknowledged_at is null))
) with (fillfactor = 80);
create unique index alert_open_once on notifications.alert (kind, subject) where cleared_at is null;
create index alert_to_tell on notifications.alert (next_tell_at) where next_tell_at is not null;
create index alert_to_clear on notifications.alert (good_since) where good_since is not null and cleared_at is null;
create index alert_cleared on notifications.alert (cleared_at) where cleared_at is not null;
