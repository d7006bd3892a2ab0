import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '#server/platform/db/migrate.ts'
import { startEmbeddedPostgres } from '#server/platform/embedded-postgres/start-embedded-postgres.ts'

/** A migrated database that a bench may fill. */
export interface BenchServer {
  readonly url: string
  stop(): Promise<void>
}

/** The database given is in use; a bench fills what it is given. */
class NotEmptyError extends Error {
  override name = 'NotEmptyError'
}

/**
 * Starts PostgreSQL as Saldo itself does, with its own settings, on data that are thrown away; or takes `given`, the URL of an empty database, in its place.
 * NotEmptyError when that one holds anything.
 */
export async function startBenchServer(given: string | undefined, say: (text: string) => void): Promise<BenchServer> {
  if (given) {
    await refuseUnlessEmpty(given)
    await migrate(given)
    return { url: given, stop: async () => {} }
  }
  const home = await mkdtemp(join(tmpdir(), 'saldo-bench-'))
  // Started by root, PostgreSQL runs as another user, who has to enter.
  await chmod(home, 0o755)
  const postgres = await startEmbeddedPostgres({ home, onProgress: say })
  await migrate(postgres.url)
  return {
    url: postgres.url,
    stop: async () => {
      await postgres.stop()
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function refuseUnlessEmpty(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `select table_schema || '.' || table_name as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') limit 1`,
    )
    if (rows[0]) throw new NotEmptyError(`DATABASE_URL must name an empty database; this one has ${rows[0].name}.`)
  } finally {
    await client.end()
  }
}
