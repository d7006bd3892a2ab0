import { startEmbeddedPostgres } from '#server/platform/embedded-postgres/start-embedded-postgres.ts'
import { SMALL } from './embedded-postgres-settings.ts'

// A program: owns a PostgreSQL on the home given, tells its parent, and lives until it is killed.
const home = process.argv[2]
if (home === undefined) throw new Error('give the home')
const postgres = await startEmbeddedPostgres({ home, onProgress: () => {}, settings: SMALL })
process.send?.({ url: postgres.url, pid: postgres.pid })
setInterval(() => {}, 60_000)
