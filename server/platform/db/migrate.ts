import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { migrateQueue } from '../jobs/migrate-queue.ts'

/** Where the migrations lie, from the project's root. */
const MIGRATIONS = join(import.meta.dirname, '../../../db/migrations')

/** One file of `db/migrations`, in the order in which it is applied. */
export interface Migration {
  name: string
  text: string
  hash: string
}

/** A migration that was applied reads otherwise today, or the database knows migrations that this version does not. */
export class MigrationMismatchError extends Error {
  override name = 'MigrationMismatchError'
}

/** A migration could not be applied; its transaction was rolled back. The cause is the database's error. */
export class MigrationFailedError extends Error {
  override name = 'MigrationFailedError'
}

/** The migrations of this version, by name. */
export async function readMigrations(directory = MIGRATIONS): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8')
      return { name, text, hash: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

// Any fixed number: concurrent starters queue on it and the second finds nothing to do.
const LOCK = 7_252_023

/**
 * Applies what is missing, each file in a transaction of its own, then the job queue's own schema, and answers the names of the files applied.
 * Concurrent starters wait for one another. Throws MigrationMismatchError when an applied file was changed or this version is older
 * than the database, MigrationFailedError when a file cannot be applied (those before it stay applied).
 */
export async function migrate(
  url: string,
  onProgress: (name: string) => void = () => {},
  directory = MIGRATIONS,
): Promise<string[]> {
  const migrations = await readMigrations(directory)
  const client = new pg.Client({ connectionString: url, application_name: 'saldo migrate' })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await client.query('create schema if not exists platform')
    await client.query(`create table if not exists platform.migration (
      name text primary key, hash text not null, applied_at timestamptz not null default now())`)
    const applied = await client.query<{ name: string; hash: string }>('select name, hash from platform.migration')
    const missing = missingOf(migrations, applied.rows)
    for (const migration of missing) {
      onProgress(migration.name)
      await apply(client, migration)
    }
    await migrateQueue(url)
    return missing.map((migration) => migration.name)
  } finally {
    await client.end()
  }
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query('begin')
    await client.query(migration.text)
    await client.query('insert into platform.migration (name, hash) values ($1, $2)', [migration.name, migration.hash])
    await client.query('commit')
  } catch (error) {
    // The session ends with the caller, which rolls back what is open.
    throw new MigrationFailedError(`Migration ${migration.name} failed: ${messageOf(error)}`, { cause: error })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function missingOf(migrations: Migration[], applied: { name: string; hash: string }[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration.hash]))
  for (const row of applied) {
    const hash = known.get(row.name)
    if (hash === undefined) {
      throw new MigrationMismatchError(
        `The database has migration ${row.name}, which this version of Saldo does not know. Start the newer version.`,
      )
    }
    if (hash !== row.hash) {
      throw new MigrationMismatchError(`Migration ${row.name} was changed after it had been applied.`)
    }
  }
  const done = new Set(applied.map((row) => row.name))
  return migrations.filter((migration) => !done.has(migration.name))
}
