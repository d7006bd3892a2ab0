import { openApp } from '#server/app.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { watchFailures } from '#server/roles/watch-failures.ts'

/** A process that ends by an error that nobody caught: thrown, or as a promise that nobody waited for. */
const [url = '', home = '', how = ''] = process.argv.slice(2)
const config = readConfig({ SALDO_MODE: 'sandbox', SALDO_HOME: home, SALDO_DB_CONNECTIONS: '2' })
const app = await openApp(config, url, 'saldo-test')
watchFailures(app, 'saldo-test', (text) => process.stderr.write(`${text}\n`))

function fall(): never {
  throw new RangeError(`nobody catches this ${how}`)
}

async function fallLater(): Promise<void> {
  fall()
}

// The process would live on for as long as its connections do.
if (how === 'rejection') void fallLater()
else setTimeout(() => fall())
