import { createHash, randomBytes } from 'node:crypto'
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

/** Names this run on the server; `beginRun` sets it before the workers start and inherit it. */
function run(): string {
  const id = process.env.SALDO_TEST_RUN
  if (!id) throw new Error('SALDO_TEST_RUN is not set: the tests run by vitest with test/support/global-setup.ts')
  return id
}

const RUN_SESSION = 'saldo test run '

// Any fixed number: those who make or drop what all runs share take turns.
const LOCK = 7_252_024

/**
 * Begins a run: opens a session on the server that stands for it, and drops what runs left behind whose session is gone, however they ended.
 * Answers what ends it.
 */
export async function beginRun(): Promise<() => Promise<void>> {
  process.env.SALDO_TEST_RUN = randomBytes(6).toString('hex')
  const application_name = `${RUN_SESSION}${run()} ${await migrationsHash()}`
  const session = new pg.Client({ connectionString: serverUrl(), application_name })
  // A server that goes away fails the tests themselves, which tell more.
  session.on('error', () => {})
  await session.connect()
  await dropLeftovers()
  return async () => {
    await dropDatabases(await databasesLike(`saldo_case_${run()}_%`))
    await session.end()
  }
}

async function dropLeftovers(): Promise<void> {
  await underLock(async (client) => {
    const sessions = await client.query<{ application_name: string }>(
      'select application_name from pg_stat_activity where starts_with(application_name, $1)',
      [RUN_SESSION],
    )
    const alive = sessions.rows.flatMap((row) => row.application_name.slice(RUN_SESSION.length).split(' '))
    const left = [...(await databasesLike('saldo_case_%')), ...(await databasesLike('saldo_base_%'))]
    await dropDatabases(left.filter((name) => !alive.includes(name.split('_')[2] ?? '')))
  })
}

/** Builds the template of today's migrations, once for all runs that share them. Under another name until it is whole: half a template must not be cloned. */
async function prepareTemplate(): Promise<void> {
  const name = await templateName()
  const draft = `${name}_draft`
  await underLock(async (client) => {
    const there = await client.query('select 1 from pg_database where datname = $1', [name])
    if (there.rowCount) return
    await client.query(`drop database if exists ${draft} with (force)`)
    await client.query(`create database ${draft}`)
    await migrate(urlOf(draft))
    await unused(draft)
    await client.query(`alter database ${draft} with is_template true allow_connections false`)
    await client.query(`alter database ${draft} rename to ${name}`)
  })
}

const UNUSED_STEP_MS = 50

/** Comes when the last connection to the database has ended; the migrations' own end a moment after they were closed. */
async function unused(database: string): Promise<void> {
  for (;;) {
    const sessions = await asServer((client) =>
      client.query('select 1 from pg_stat_activity where datname = $1', [database]),
    )
    if (sessions.rowCount === 0) return
    await new Promise((resolve) => setTimeout(resolve, UNUSED_STEP_MS))
  }
}

let hash: Promise<string> | undefined

/** One hash a process: a migration that is edited while the tests run counts from the next run on. */
function migrationsHash(): Promise<string> {
  hash ??= readMigrations().then((migrations) =>
    createHash('sha256')
      .update(migrations.map((each) => each.hash).join())
      .digest('hex')
      .slice(0, 16),
  )
  return hash
}

async function templateName(): Promise<string> {
  return `saldo_base_${await migrationsHash()}`
}

const NO_SUCH_DATABASE = '3D000'

/** Creates an empty database as the migrations leave it; it is dropped when the run ends, at the latest. Answers its URL. */
export async function createTestDatabase(): Promise<string> {
  const name = `saldo_case_${run()}_${randomBytes(6).toString('hex')}`
  // Copied as files, at a third of the time through the log: on a server that does not wait for the disk the checkpoint before costs little.
  const create = `create database ${name} template ${await templateName()} strategy file_copy`
  await asServer((client) => client.query(create)).catch(async (error: unknown) => {
    if (!(error instanceof pg.DatabaseError && error.code === NO_SUCH_DATABASE)) throw error
    await prepareTemplate()
    await asServer((client) => client.query(create))
  })
  return urlOf(name)
}

/** A migrated database of the calling test's own, opened; closed and dropped when that test ends. */
export async function testDatabase(options: { connections?: number } = {}): Promise<{ db: Db; url: string }> {
  const url = await createTestDatabase()
  let closed = false
  const db = openDatabase({
    url,
    connections: options.connections ?? 8,
    application_name: 'saldo test',
    onError: (error) => {
      // A pool is closed before its last connections are: dropping the database may be quicker than they.
      if (!closed) throw error
    },
  })
  onTestFinished(async () => {
    await db.close()
    closed = true
    await dropTestDatabase(url)
  })
  return { db, url }
}

/** Drops one database made by `createTestDatabase`. */
export async function dropTestDatabase(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  await asServer((client) => goodbyes(client, name))
  await dropDatabases([name])
}

/** Beyond this a session is one that the test left open on purpose. */
const GOODBYES_MAX_MS = 500
const GOODBYE_STEP_MS = 10

/** Lets sessions end that have been closed: one that is cut off at its last word would tell its process of an error that nobody waits for. */
async function goodbyes(client: pg.Client, database: string): Promise<void> {
  for (let waited_ms = 0; waited_ms < GOODBYES_MAX_MS; waited_ms += GOODBYE_STEP_MS) {
    const sessions = await client.query('select 1 from pg_stat_activity where datname = $1 limit 1', [database])
    if (sessions.rowCount === 0) return
    await new Promise((resolve) => setTimeout(resolve, GOODBYE_STEP_MS))
  }
}

async function dropDatabases(names: string[]): Promise<void> {
  await asServer(async (client) => {
    for (const name of names) {
      if (name.startsWith('saldo_base_')) await client.query(`alter database ${name} is_template false`)
      await client.query(`drop database if exists ${name} with (force)`)
    }
  })
}

async function databasesLike(pattern: string): Promise<string[]> {
  const found = await asServer((client) =>
    client.query<{ datname: string }>('select datname from pg_database where datname like $1', [
      pattern.replaceAll('_', '\\_'),
    ]),
  )
  return found.rows.map((row) => row.datname)
}

function urlOf(database: string): string {
  const url = new URL(serverUrl())
  url.pathname = `/${database}`
  return url.toString()
}

async function underLock<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  return asServer(async (client) => {
    await client.query('select pg_advisory_lock($1)', [LOCK])
    return work(client)
  })
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
