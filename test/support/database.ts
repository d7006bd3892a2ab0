import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { type Db, openDatabase } from '#server/platform/db/database.ts'
import { migrate, readMigrations } from '#server/platform/db/migrate.ts'

/** The server that the tests run on. `tools/run-tests.ts` starts one and sets the variable. */
function serverUrl(): string {
  const url = process.env.SALDO_TEST_DATABASE_URL
  if (!url) throw new Error('SALDO_TEST_DATABASE_URL is not set: run the tests by `npm test -- <file>`')
  return url
}

const RUN = process.env.SALDO_TEST_RUN ?? String(process.pid)

/** Builds the template of today's migrations, once for all runs that share them. */
export async function prepareTemplate(): Promise<void> {
  process.env.SALDO_TEST_RUN = RUN
  const name = await templateName()
  await asServer(async (client) => {
    await client.query('select pg_advisory_lock(7252024)')
    const there = await client.query('select 1 from pg_database where datname = $1 and datistemplate', [name])
    if (there.rowCount) return
    await client.query(`drop database if exists ${name}`)
    await client.query(`create database ${name}`)
    await migrate(urlOf(name))
    await client.query(`alter database ${name} is_template true`)
  })
}

async function templateName(): Promise<string> {
  const migrations = await readMigrations()
  const { createHash } = await import('node:crypto')
  const hash = createHash('sha256')
    .update(migrations.map((each) => each.hash).join())
    .digest('hex')
  return `saldo_template_${hash.slice(0, 16)}`
}

/** Creates an empty database as the migrations leave it; it is dropped when the test ends. Answers its URL. */
export async function createTestDatabase(): Promise<string> {
  const name = `saldo_test_${RUN}_${randomBytes(6).toString('hex')}`
  const template = await templateName()
  // Cloning takes milliseconds with the template's files copied, not logged.
  await asServer((client) => client.query(`create database ${name} template ${template} strategy file_copy`))
  return urlOf(name)
}

/** A migrated database of the calling test's own, opened; closed and dropped when that test ends. */
export async function testDatabase(options: { connections?: number } = {}): Promise<{ db: Db; url: string }> {
  const url = await createTestDatabase()
  const db = openDatabase({
    url,
    connections: options.connections ?? 8,
    application_name: 'saldo test',
    onError: (error) => {
      throw error
    },
  })
  onTestFinished(async () => {
    await db.close()
    await dropTestDatabase(url)
  })
  return { db, url }
}

/** Drops one database made by `createTestDatabase`. */
export async function dropTestDatabase(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  await asServer((client) => client.query(`drop database if exists ${name} with (force)`))
}

/** Drops what this run left behind. */
export async function dropTestDatabases(): Promise<void> {
  await asServer(async (client) => {
    const left = await client.query<{ datname: string }>(
      `select datname from pg_database where datname like 'saldo\\_test\\_${RUN}\\_%'`,
    )
    for (const row of left.rows) await client.query(`drop database if exists ${row.datname} with (force)`)
  })
}

function urlOf(database: string): string {
  const url = new URL(serverUrl())
  url.pathname = `/${database}`
  return url.toString()
}

async function asServer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
