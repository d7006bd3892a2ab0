-- Mechanisms that know no business word: the outbox, dead letters, who runs jobs and chores, monthly partitions.
-- The schema itself and platform.migration are made by the migrator. Jobs lie in graphile_worker, which migrates itself.

-- Events written in the transaction that caused them. A row here is unpublished; a published one is deleted, for the
-- history of each domain is the permanent record. `json` and not `jsonb`: nothing searches it, and it keeps every text.
create table platform.outbox (
  id bigint generated always as identity primary key,
  type text not null check (char_length(type) between 1 and 100),
  subject text not null check (char_length(subject) <= 200),
  payload json not null check (octet_length(payload::text) <= 65536),
  at timestamptz not null default now(),
  attempts int not null default 0 check (attempts >= 0),
  -- Null until a subscriber has failed on it.
  next_at timestamptz,
  last_error text check (char_length(last_error) <= 2000),
  check ((attempts = 0) = (next_at is null)),
  check ((attempts = 0) = (last_error is null))
) with (
  -- Rows live for milliseconds: vacuum by count and often, whatever the size of the table.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
  autovacuum_vacuum_cost_delay = 0
);

create index outbox_fresh on platform.outbox (id) where next_at is null;
create index outbox_retry on platform.outbox (next_at) where next_at is not null;

-- Jobs and events that were given up. They wait for a person, who replays or drops them.
create table platform.dead_letter (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('job', 'event')),
  -- The id in the queue or the outbox: one letter for each, though it be buried twice.
  source_id bigint not null,
  name text not null check (char_length(name) between 1 and 128),
  subject text not null default '' check (char_length(subject) <= 200),
  payload json,
  error text not null check (char_length(error) <= 2000),
  attempts int not null check (attempts >= 0),
  attempts_max int not null check (attempts_max >= 1),
  -- What to look for in the logs: {"job_id": …, "request_id": …}.
  correlation json not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  state text not null default 'waiting' check (state in ('waiting', 'replayed', 'dropped')),
  settled_at timestamptz,
  constraint dead_letter_source unique (kind, source_id),
  check ((state = 'waiting') = (settled_at is null))
);

create index dead_letter_waiting on platform.dead_letter (id) where state = 'waiting';
create index dead_letter_settled on platform.dead_letter (settled_at) where state <> 'waiting';

-- Worker processes that are alive. Jobs locked by one that fell silent are given back.
create table platform.job_runner (
  id text primary key check (char_length(id) between 1 and 100),
  seen_at timestamptz not null default now()
);

-- The last minute for which each chore was taken up, so that several schedulers run it once, and never beside itself.
create table platform.chore (
  name text primary key check (char_length(name) between 1 and 128),
  tick timestamptz not null,
  -- Whoever runs it moves this on; past it, the runner is taken to be dead.
  busy_until timestamptz
);

-- Makes the monthly partitions (UTC) of `parent`, from this month to `months_ahead` months on: `<table>_y2026m11`. The
-- parent is partitioned by range on one timestamptz column. Whoever makes the table makes its default partition; rows
-- that fell into it are moved into the month's own. Answers how many partitions were made; may be run at any time, by many at once.
create function platform.ensure_month_partitions(parent regclass, months_ahead int) returns int
language plpgsql
set timezone = 'UTC'
as $$
declare
  parent_schema name;
  parent_name name;
  key_column name;
  default_partition regclass;
  month_start timestamptz;
  month_end timestamptz;
  partition_name text;
  made int := 0;
begin
  if months_ahead is null or months_ahead not between 0 and 36 then
    raise exception 'ensure_month_partitions: months_ahead is 0 to 36, not %', months_ahead;
  end if;

  -- Held to the end of the transaction: a second caller waits here and then finds everything made.
  perform pg_advisory_xact_lock(7252025, parent::oid::int);

  select namespace.nspname, class.relname, attribute.attname, nullif(partitioned.partdefid, 0)
    into parent_schema, parent_name, key_column, default_partition
    from pg_partitioned_table partitioned
    join pg_class class on class.oid = partitioned.partrelid
    join pg_namespace namespace on namespace.oid = class.relnamespace
    join pg_attribute attribute
      on attribute.attrelid = class.oid and attribute.attnum = partitioned.partattrs[0]
    where class.oid = parent and partitioned.partstrat = 'r' and partitioned.partnatts = 1
      and attribute.atttypid = 'timestamptz'::regtype;
  if not found then
    raise exception '% is not partitioned by range on one timestamptz column', parent;
  end if;

  for step in 0..months_ahead loop
    month_start := date_trunc('month', now()) + make_interval(months => step);
    month_end := month_start + interval '1 month';
    partition_name := parent_name || to_char(month_start, '"_y"YYYY"m"MM');
    continue when to_regclass(format('%I.%I', parent_schema, partition_name)) is not null;

    -- Made apart and then attached, which does not shut out the parent's readers and writers.
    execute format('create table %I.%I (like %s including all excluding identity)', parent_schema, partition_name, parent);
    if default_partition is not null then
      execute format(
        'with moved as (delete from %s where %I >= %L and %I < %L returning *) insert into %I.%I select * from moved',
        default_partition, key_column, month_start, key_column, month_end, parent_schema, partition_name);
    end if;
    execute format('alter table %s attach partition %I.%I for values from (%L) to (%L)',
      parent, parent_schema, partition_name, month_start, month_end);
    made := made + 1;
  end loop;
  return made;
end
$$;
