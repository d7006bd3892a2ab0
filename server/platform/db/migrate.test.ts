import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { createTestDatabase, dropTestDatabase } from '#test/support/database.ts'
import { MigrationFailedError, MigrationMismatchError, migrate, readMigrations } from './migrate.ts'

/** A database that knows no migration yet, a folder of them, and a way to look. */
async function setup(files: Record<string, string>) {
  const directory = await mkdtemp(join(tmpdir(), 'saldo-migrations-'))
  const url = await createTestDatabase()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  onTestFinished(async () => {
    await client.end()
    await dropTestDatabase(url)
    await rm(directory, { recursive: true })
  })
  await client.query('drop schema platform, graphile_worker cascade')
  const write = async (more: Record<string, string>) => {
    for (const [name, text] of Object.entries(more)) await writeFile(join(directory, name), text)
  }
  await write(files)
  return {
    write,
    directory,
    run: (onProgress?: (name: string) => void) => migrate(url, onProgress, directory),
    look: async (sql: string) => (await client.query({ text: sql, rowMode: 'array' })).rows.flat(),
  }
}

const APPLIED = 'select name from platform.migration order by name'

test('applies what is missing in order of the names, tells each, and then finds nothing to do', async () => {
  const { run, look } = await setup({
    '0002_b.sql': 'insert into a values (2)',
    '0001_a.sql': 'create table a (n int); insert into a values (1)',
    'notes.txt': 'not a migration',
  })
  const told: string[] = []
  expect(await run((name) => told.push(name))).toEqual(['0001_a.sql', '0002_b.sql'])
  expect(told).toEqual(['0001_a.sql', '0002_b.sql'])
  expect(await run()).toEqual([])
  expect(await look('select n from a order by n')).toEqual([1, 2])
})

test('makes the job queue ready too', async () => {
  const { run, look } = await setup({})
  await run()
  expect(await look('select count(*)::int from graphile_worker.jobs')).toEqual([0])
})

test('starters at the same time wait for one another and apply each file once', async () => {
  const { run, look } = await setup({
    '0001_a.sql': 'create table a (n int)',
    '0002_b.sql': 'insert into a values (1)',
  })
  const applied = await Promise.all([run(), run(), run(), run()])
  expect(applied.flat().sort()).toEqual(['0001_a.sql', '0002_b.sql'])
  expect(await look('select n from a')).toEqual([1])
})

test('a migration changed after it was applied is refused', async () => {
  const { run, write, look } = await setup({ '0001_a.sql': 'create table a (n int)' })
  await run()
  await write({ '0001_a.sql': 'create table a (n bigint)', '0002_b.sql': 'create table b (n int)' })
  await expect(run()).rejects.toThrow(MigrationMismatchError)
  await expect(run()).rejects.toThrow('0001_a.sql')
  expect(await look(APPLIED)).toEqual(['0001_a.sql'])
})

test('a database of a newer version is refused', async () => {
  const { run, directory, look } = await setup({ '0001_a.sql': 'create table a (n int)', '0002_b.sql': 'select 1' })
  await run()
  await rm(join(directory, '0002_b.sql'))
  await expect(run()).rejects.toThrow(/0002_b\.sql.*newer version/)
  expect(await look(APPLIED)).toEqual(['0001_a.sql', '0002_b.sql'])
})

test('a failing migration leaves nothing of itself, names itself, and is applied once mended', async () => {
  const { run, write, look } = await setup({
    '0001_a.sql': 'create table a (n int)',
    '0002_b.sql': 'create table b (n int); insert into b values (1); select 1 / 0',
  })
  const failure = await run().catch((error: Error) => error)
  expect(failure).toBeInstanceOf(MigrationFailedError)
  expect(failure).toMatchObject({ message: expect.stringContaining('0002_b.sql') })
  expect(await look(APPLIED)).toEqual(['0001_a.sql'])
  expect(await look(`select to_regclass('b')::text`)).toEqual([null])
  await write({ '0002_b.sql': 'create table b (n int)' })
  expect(await run()).toEqual(['0002_b.sql'])
})

test('the migrations of this version have distinct numbers', async () => {
  const numbers = (await readMigrations()).map((migration) => migration.name.slice(0, 4))
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(numbers.every((number) => /^\d{4}$/.test(number))).toBe(true)
})
