import { portOf, runAsMain } from '../door/main-of.ts'
import { startSentry } from './start-sentry.ts'

const USAGE = `Usage: node sandbox/sentry/main.ts [--port <n>]

Takes events by Sentry's envelope protocol, for one project. Prints one line of JSON, {"url","dsn"}, when it listens. Port 0 or absent: a free one.
`

await runAsMain(['port'], USAGE, async (options) => {
  const sentry = await startSentry({ port: portOf('port', options.port) })
  return { told: { url: sentry.url, dsn: sentry.dsn }, close: sentry.close }
})
