import { parseArgs } from 'node:util'
import { openApp } from '#server/app.ts'
import { newSecret } from '#server/kit/id.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { playStorm } from './demo/play-storm.ts'
import { startBenchServer } from './server.ts'

const ORDERS_MAX = 50_000
const SECONDS_MAX = 600

const USAGE = `npm run demo:faults [-- --orders <n>] [--seconds <n>]

Two simulated providers, between which a worker of the product chooses and goes on, misbehave for a while in every way that is known of panels; a desk of staff sees to what is
left. Shows where the orders and the money are, and ends with the proof of the books and their comparison with both providers'.

  --orders   how many are placed (3000), up to ${ORDERS_MAX}
  --seconds  for how long everything fails one time in ten (30), up to ${SECONDS_MAX}

Runs on a PostgreSQL of its own, or on the empty database that DATABASE_URL names.
`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { orders: { type: 'string' }, seconds: { type: 'string' }, help: { type: 'boolean' } },
  })
  const [orders, seconds] = [whole(values.orders, 3_000, ORDERS_MAX), whole(values.seconds, 30, SECONDS_MAX)]
  if (values.help || orders === undefined || seconds === undefined) {
    process.stderr.write(USAGE)
    return values.help ? 0 : 2
  }
  const say = (text: string) => process.stderr.write(`${text}\n`)
  const server = await startBenchServer(process.env.DATABASE_URL, say)
  try {
    const config = readConfig({
      SALDO_MODE: 'production',
      SALDO_LOG_LEVEL: 'silent',
      SALDO_ALLOW_PRIVATE_ADDRESSES: 'yes',
      SALDO_SECRET_KEY: newSecret(32),
    })
    const app = await openApp(config, server.url, 'saldo demo')
    try {
      const sound = await playStorm({ app, url: server.url, say }, { orders, seconds })
      return sound ? 0 : 1
    } finally {
      await app.close()
    }
  } finally {
    await server.stop()
  }
}

function whole(text: string | undefined, otherwise: number, max: number): number | undefined {
  if (text === undefined) return otherwise
  const value = Number(text)
  return Number.isInteger(value) && value >= 1 && value <= max ? value : undefined
}

process.exitCode = await main()
