import type { Db } from '#server/platform/db/database.ts'
import type { Trace } from './canary.ts'

const KEEP = `
  create schema kept;
  create table kept.write (place text not null, content text not null);
  create function kept.keep() returns trigger language plpgsql security definer as $$
  begin
    insert into kept.write values (tg_table_schema || '.' || regexp_replace(tg_table_name, '_(y\\d{4}m\\d\\d|default)$', ''), new::text);
    return null;
  end $$;
  do $$
  declare each record;
  begin
    for each in
      select c.oid::regclass as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relispartition
        and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'kept')
    loop
      execute format('create trigger kept after insert or update on %s for each row execute function kept.keep()', each.name);
    end loop;
  end $$`

/** From here on every row that is written to any table of any schema is kept as text, also those that are deleted again, such as events. */
export async function keepWrites(db: Db): Promise<void> {
  await db.query(KEEP)
}

/** All that was written, each as `schema.table` and its row; of a table in parts, the table. */
export async function keptWrites(db: Db): Promise<Trace[]> {
  return db.query<{ place: string; text: string }>('select distinct place, content as text from kept.write')
}
