import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { openApp } from '#server/app.ts'
import { newSecret } from '#server/kit/id.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { liftRateLimits } from '#server/roles/lift-rate-limits.ts'
import { authBench } from './auth.ts'
import { type Bench, rounded } from './bench.ts'
import { dispatchBench } from './dispatch.ts'
import { ledgerBench } from './ledger.ts'
import { listsBench } from './lists.ts'
import { ordersBench } from './orders.ts'
import { readBench } from './read.ts'
import { refreshBench } from './refresh.ts'
import { startBenchServer } from './server.ts'
import { syncBench } from './sync.ts'
import { webhooksBench } from './webhooks.ts'
import { measureYardstick } from './yardstick.ts'

/** Every bench there is. */
const BENCHES: Record<string, Bench> = {
  ledger: ledgerBench,
  orders: ordersBench,
  dispatch: dispatchBench,
  sync: syncBench,
  refresh: refreshBench,
  read: readBench,
  lists: listsBench,
  webhooks: webhooksBench,
  auth: authBench,
}

/** An hour shows what a night would. */
const STEADY_S_MAX = 3_600

const STEADY_BENCHES = Object.keys(BENCHES).filter((name) => BENCHES[name]?.steady_s !== undefined)

const USAGE = `npm run bench -- <name> [--json] [--seconds <n>]

${Object.entries(BENCHES)
  .map(([name, bench]) => `  ${name.padEnd(10)} ${bench.summary}`)
  .join('\n')}

Runs on a PostgreSQL of its own, or on the empty database that DATABASE_URL names. --json: the last line is one JSON object.
--seconds: how long the steady part runs, up to ${STEADY_S_MAX}; for ${STEADY_BENCHES.join(', ')}.
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, seconds: { type: 'string' }, help: { type: 'boolean' } },
  })
  const [name = ''] = positionals
  const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
  const steady_s = bench && steadySeconds(bench, values.seconds)
  if (!bench || steady_s === undefined || values.help) {
    process.stderr.write(USAGE)
    return values.help ? 0 : 2
  }
  const figures = await run(name, bench, steady_s)
  process.stdout.write(`${JSON.stringify(figures, null, values.json ? undefined : 2)}\n`)
  return 0
}

/** Undefined for what the bench cannot be asked. */
function steadySeconds({ steady_s }: Bench, asked: string | undefined): number | undefined {
  if (asked === undefined) return steady_s ?? 0
  const seconds = Number(asked)
  const fits = steady_s !== undefined && Number.isInteger(seconds) && seconds >= 1 && seconds <= STEADY_S_MAX
  return fits ? seconds : undefined
}

async function run(name: string, bench: Bench, steady_s: number): Promise<Record<string, unknown>> {
  const begin = performance.now()
  const say = (text: string) => process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(1)} s  ${text}\n`)
  const server = await startBenchServer(process.env.DATABASE_URL, say)
  try {
    const yardstick_tps = await measureYardstick(server.url, say)
    const config = readConfig({
      SALDO_MODE: 'production',
      SALDO_LOG_LEVEL: 'warn',
      SALDO_ALLOW_PRIVATE_ADDRESSES: 'yes',
      SALDO_SECRET_KEY: newSecret(32),
    })
    const app = await openApp(config, server.url, 'saldo bench')
    try {
      await liftRateLimits(app, 'A bench measures what the house can do.')
      const figures = await bench.run({ app, url: server.url, yardstick_tps, say, steady_s })
      return { bench: name, cores: availableParallelism(), yardstick: { tps: rounded(yardstick_tps) }, ...figures }
    } finally {
      await app.close()
    }
  } finally {
    await server.stop()
  }
}

process.exitCode = await main()
