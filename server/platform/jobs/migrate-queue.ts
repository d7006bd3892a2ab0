import { Logger, runMigrations } from 'graphile-worker'

/**
 * Brings the job queue's schema (`graphile_worker`, owned by that library) up to its version. Called by `migrate` under
 * its lock, so concurrent starters come one after another. Throws what the database throws.
 */
export async function migrateQueue(url: string): Promise<void> {
  // The library's messages are about each of its files; a failure is thrown and told by the caller.
  const logger = new Logger(() => () => {})
  await runMigrations({ connectionString: url, maxPoolSize: 1, logger })
}
