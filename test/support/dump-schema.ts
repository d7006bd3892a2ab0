import type { Db } from '#server/platform/db/database.ts'

const OURS = `n.nspname not in ('pg_catalog', 'information_schema', 'graphile_worker', 'public') and n.nspname !~ '^pg_'`

const RELATIONS = `
  select c.oid::bigint as oid, n.nspname || '.' || c.relname as name, c.relkind::text as kind,
    array_to_string(c.reloptions, ', ') as options, pg_get_partkeydef(c.oid) as partitioned_by
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where ${OURS} and c.relkind in ('r', 'p', 'S') and not c.relispartition
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i' and c.relkind = 'S')
  order by n.nspname, c.relname`

const COLUMNS = `
  select a.attrelid::bigint as oid, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attidentity <> '' then ' generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity' else '' end
    || case when a.attgenerated <> '' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored'
         when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end
    || case when a.attnotnull then ' not null' else '' end as line
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum`

const CONSTRAINTS = `
  select conrelid::bigint as oid, 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
  from pg_constraint where contype <> 'n' and contype <> 't' order by conrelid, conname`

const INDEXES = `
  select i.indrelid::bigint as oid, pg_get_indexdef(i.indexrelid) as line
  from pg_index i where not exists (select from pg_constraint k where k.conindid = i.indexrelid) order by 1, 2`

const TRIGGERS = `
  select tgrelid::bigint as oid, pg_get_triggerdef(oid) as line from pg_trigger where not tgisinternal order by tgrelid, tgname`

const FUNCTIONS = `
  select pg_get_functiondef(p.oid) as line from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where ${OURS} order by n.nspname, p.proname, p.oid`

interface Part {
  oid: bigint
  line: string
}

/** The schema of a database as text: what the migrations have come to, for a reader and for review. Partitions of a month are left out. */
export async function dumpSchema(db: Db): Promise<string> {
  const relations = await db.query<{
    oid: bigint
    name: string
    kind: string
    options: string | null
    partitioned_by: string | null
  }>(RELATIONS)
  const [columns, constraints, indexes, triggers] = await Promise.all(
    [COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS].map((sql) => db.query<Part>(sql)),
  )
  const of = (parts: Part[] | undefined, oid: bigint) => (parts ?? []).filter((part) => part.oid === oid)
  const text = [
    '-- What the migrations come to. Kept by test/schema.test.ts; renew it with: npm test -- test/schema.test.ts -u',
  ]
  for (const { oid, name, kind, options, partitioned_by } of relations) {
    if (kind === 'S') {
      text.push(`create sequence ${name};`)
      continue
    }
    const lines = [...of(columns, oid), ...of(constraints, oid)].map((part) => `  ${part.line}`)
    const suffix = `${partitioned_by ? ` partition by ${partitioned_by}` : ''}${options ? ` with (${options})` : ''}`
    text.push(`create table ${name} (\n${lines.join(',\n')}\n)${suffix};`)
    text.push(...[...of(indexes, oid), ...of(triggers, oid)].map((part) => `${part.line};`))
  }
  for (const { line } of await db.query<{ line: string }>(FUNCTIONS)) text.push(`${line.trimEnd()};`)
  return `${text.join('\n\n')}\n`
}
