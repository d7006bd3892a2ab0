-- The database gives a partition its parent's triggers for rows, and not those for statements: what refuses to empty a table let one of its months be
-- emptied by name. Whoever makes the partitions gives them these triggers too, also to those that were there before; only one that lacks them is locked,
-- and only against writers. The history of orders was not guarded against being emptied at all.
create or replace function platform.ensure_month_partitions(parent regclass, months_ahead int) returns int
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
  attach text;
  missing record;
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

    execute format('create table %I.%I (like %s including all excluding identity)', parent_schema, partition_name, parent);
    attach := format('alter table %s attach partition %I.%I for values from (%L) to (%L)',
      parent, parent_schema, partition_name, month_start, month_end);
    begin
      -- Made apart and then attached, which does not shut out the parent's readers and writers.
      execute attach;
    exception when check_violation then
      -- Rows of this month lie in the default partition. The parent is locked first, as writers do; nobody sees it without its default, and a failure
      -- on the way leaves all as it was.
      execute format('lock table only %s in access exclusive mode', parent);
      execute format('alter table %s detach partition %s', parent, default_partition);
      execute format(
        'with moved as (delete from %s where %I >= %L and %I < %L returning *) insert into %I.%I select * from moved',
        default_partition, key_column, month_start, key_column, month_end, parent_schema, partition_name);
      execute attach;
      execute format('alter table %s attach partition %s default', parent, default_partition);
    end;
    made := made + 1;
  end loop;

  for missing in
    select partition.inhrelid::regclass as partition, guard.tgname as name, guard.tgfoid::regproc as function
    from pg_trigger guard
    join pg_inherits partition on partition.inhparent = guard.tgrelid
    -- 34: before truncate, for each statement.
    where guard.tgrelid = parent and guard.tgtype = 34 and not exists (
      select from pg_trigger own
      where own.tgrelid = partition.inhrelid and own.tgtype = guard.tgtype and own.tgfoid = guard.tgfoid)
    order by partition.inhrelid
  loop
    execute format('create trigger %I before truncate on %s for each statement execute function %s()',
      missing.name, missing.partition, missing.function);
  end loop;
  return made;
end
$$;

create trigger never_emptied before truncate on orders.order_event for each statement execute function orders.refuse_change();

-- In the order in which the house writes them.
select platform.ensure_month_partitions(parent, 3)
from unnest(array['ledger.transfer', 'ledger.release', 'orders.order_event', 'audit.act']::regclass[]) with ordinality as guarded (parent, place)
order by place;
