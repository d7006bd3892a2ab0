-- What happened to users' orders and is not gathered yet: written by the publisher, which must not wait for anyone, and taken a moment later by whoever gathers.
-- No key to the user: who is none is passed over when it is gathered.
create table notifications.occasion (
  id bigint generated always as identity primary key,
  user_id bigint not null,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  tallies json not null check (octet_length(tallies::text) <= 2048),
  at timestamptz not null
) with (
  -- Rows live for a moment: vacuum by count and often, whatever the size of the table.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_vacuum_cost_delay = 0
);
