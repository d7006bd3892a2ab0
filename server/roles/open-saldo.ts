import { type OpenApp, openApp } from '#server/app.ts'
import { openProviders, type Providers } from '#server/domains/providers/registry.ts'
import type { Config } from '#server/platform/config/config.ts'
import { migrate } from '#server/platform/db/migrate.ts'
import { DataInUseError } from '#server/platform/embedded-postgres/errors.ts'
import { startEmbeddedPostgres } from '#server/platform/embedded-postgres/start-embedded-postgres.ts'
import { migrateQueue } from '#server/platform/jobs/migrate-queue.ts'
import { openSecrets, type Secrets } from '#server/platform/secrets/secrets.ts'

/** Plain words for whoever waits at the terminal. */
export type Progress = (text: string) => void

/** A database that answers, and how to let it go. */
export interface Database {
  url: string
  stop(): Promise<void>
}

/** The configured database; without one, our own PostgreSQL, started. Throws DataInUseError when another process runs it. */
export async function startDatabase(config: Config, progress: Progress): Promise<Database> {
  if (config.database_url) return { url: config.database_url, stop: async () => {} }
  return startEmbeddedPostgres({ home: config.home, onProgress: progress })
}

/** As `startDatabase`, but content to talk to the PostgreSQL of a Saldo that runs already. For commands. */
export async function reachDatabase(config: Config, progress: Progress): Promise<Database> {
  try {
    return await startDatabase(config, progress)
  } catch (error) {
    if (error instanceof DataInUseError && error.url) return { url: error.url, stop: async () => {} }
    throw error
  }
}

/** Brings the database to this version: our migrations and the job queue's. Concurrent starters wait for one another. */
export async function migrateAll(url: string, progress: Progress): Promise<void> {
  const applied = await migrate(url, (name) => progress(`Applying ${name} …`))
  await migrateQueue(url)
  if (applied.length > 0) progress(`Database ready: ${applied.length} migrations applied.`)
}

/** A process with everything open. */
export interface Saldo {
  app: OpenApp
  secrets: Secrets
  providers: Providers
  /** Closes providers and app, in this order. */
  close(): Promise<void>
}

/** Opens app, secrets and providers on the database at `url`. `name` tells the process in logs and in PostgreSQL's list of sessions. */
export async function openSaldo(config: Config, url: string, name: string): Promise<Saldo> {
  const app = await openApp(config, url, name)
  const secrets = await openSecrets(config)
  const providers = openProviders({ ...app, secrets })
  return {
    app,
    secrets,
    providers,
    close: async () => {
      await providers.close()
      await app.close()
    },
  }
}
