import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Observation } from './observe.ts'
import { alertConnectionsPercent } from './settings.ts'

// `pg_stat_database` may be read by everyone; those reserved for superusers are none of ours.
const CONNECTIONS = statement(`
  select (select sum(numbackends) from pg_stat_database)::float8 as count,
    current_setting('max_connections')::float8 - current_setting('superuser_reserved_connections')::float8
      - coalesce(current_setting('reserved_connections', true)::float8, 0) as most`)

/** How many of the database's connections are in use, by whomever. */
export async function connectionsObservation(app: Pick<App, 'db' | 'settings'>): Promise<Observation> {
  const [row] = await app.db.query<{ count: number; most: number }>(CONNECTIONS)
  const { count = 0, most = 0 } = row ?? {}
  const few = count * 100 >= most * app.settings.read(alertConnectionsPercent)
  return { kind: 'alert_connections_few', wrong: few ? { count, most } : undefined }
}
