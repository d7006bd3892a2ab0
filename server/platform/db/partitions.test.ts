import { expect, test } from 'vitest'
import { testDatabase } from '#test/support/database.ts'
import { ensurePartitions } from './partitions.ts'

async function setup() {
  const { db } = await testDatabase()
  await db.query(`create schema "odd Schema"`)
  await db.query(`create table "odd Schema".line (
    id bigint generated always as identity, at timestamptz not null, value int not null check (value > 0), primary key (id, at)
  ) partition by range (at)`)
  await db.query('create index on "odd Schema".line (value)')
  await db.query('create table "odd Schema".line_default partition of "odd Schema".line default')
  const partitions = async () =>
    (
      await db.query<{ name: string }>(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = '"odd Schema".line'::regclass order by 1`,
      )
    ).map((row) => row.name.replace('"odd Schema".', ''))
  const expected = async () =>
    (
      await db.query<{ name: string }>(
        `select 'line_y' || to_char(date_trunc('month', now() at time zone 'UTC') + make_interval(months => n), 'YYYY"m"MM') as name
     from generate_series(0, 3) n`,
      )
    ).map((row) => row.name)
  return { db, partitions, expected, table: '"odd Schema".line' }
}

test('makes the partitions of this month and the next three, in UTC, once', async () => {
  const { db, partitions, expected, table } = await setup()
  expect(await ensurePartitions(db, [table])).toBe(4)
  expect(await partitions()).toEqual(['line_default', ...(await expected())])
  expect(await ensurePartitions(db, [table])).toBe(0)
  const bounds = await db.query<{ bound: string }>(
    `select pg_get_expr(relpartbound, oid) as bound from pg_class where relname = $1`,
    [(await expected())[0]],
  )
  expect(bounds[0]?.bound).toMatch(
    /^FOR VALUES FROM \('\d{4}-\d\d-01 00:00:00\+00'\) TO \('\d{4}-\d\d-01 00:00:00\+00'\)$/,
  )
})

test('many at once make each partition once', async () => {
  const { db, partitions, table } = await setup()
  const made = await Promise.all([1, 2, 3, 4].map(() => ensurePartitions(db, [table])))
  expect(made.reduce((a, b) => a + b)).toBe(4)
  expect(await partitions()).toHaveLength(5)
})

test('rows that fell into the default partition move into their month’s own, and new ones go there', async () => {
  const { db, table, expected } = await setup()
  const [month] = await expected()
  const homes = () => db.query(`select value, tableoid::regclass::text as home from ${table} order by value`)
  await db.query(`insert into ${table} (at, value) values (now(), 1), (now() - interval '400 days', 2)`)
  await ensurePartitions(db, [table])
  await db.query(`insert into ${table} (at, value) values (now(), 3)`)
  expect(await homes()).toEqual([
    { value: 1, home: `"odd Schema".${month}` },
    { value: 2, home: '"odd Schema".line_default' },
    { value: 3, home: `"odd Schema".${month}` },
  ])
  await expect(db.query(`insert into ${table} (at, value) values (now(), -1)`)).rejects.toMatchObject({ code: '23514' })
})

test('a table that is not partitioned by one time is refused', async () => {
  const { db } = await setup()
  await db.query('create table plain (at timestamptz)')
  await expect(ensurePartitions(db, ['plain'])).rejects.toThrow(
    'plain is not partitioned by range on one timestamptz column',
  )
})
