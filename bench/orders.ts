import { type Bench, type BenchContext, rounded } from './bench.ts'
import { load, openBenchShop, proveBooks, startPanel, startRole } from './product.ts'

const CONNECTIONS = '128'
const WARM_UP_SECONDS = '3'
const SECONDS = '9'
const LOOK_MS = 300

export const ordersBench: Bench = {
  summary: 'orders/s over HTTP: held, recorded and queued durably; /api/v2 and REST',
  run: async (context) => {
    const panel = await startPanel()
    // Switched off: the orders stay queued, and what is measured is the taking of orders alone.
    const shop = await openBenchShop(context, panel, { enabled: false })
    const customer = await shop.customer()
    await panel.stop()
    const service = shop.services.find((each) => each.type === 'Default')
    const product = await startRole(context, 'all')
    try {
      const form = new URLSearchParams({
        key: customer.key,
        action: 'add',
        service: String(service?.id),
        link: 'https://example.com/text',
        quantity: String(service?.min),
      })
      const panel_api = await measure(context, `${product.url}/api/v2`, [
        ...['--headers', 'content-type=application/x-www-form-urlencoded'],
        ...['--body', form.toString()],
      ])
      const order = { service: String(service?.id), link: 'https://example.com/text', quantity: String(service?.min) }
      const rest = await measure(context, `${product.url}/api/v1/order`, [
        ...['--headers', 'content-type=application/json', '--headers', `x-api-key=${customer.key}`],
        ...['--body', JSON.stringify(order)],
      ])
      const resident_mb = await product.resident_mb()
      await product.stop()
      return { panel_api, rest, resident_mb, verify: await proveBooks(context) }
    } catch (error) {
      await product.stop()
      throw error
    }
  },
}

async function measure(context: BenchContext, url: string, options: string[]) {
  const { app, say, yardstick_tps } = context
  say(`Ordering at ${new URL(url).pathname} …`)
  const common = ['--method', 'POST', '--connections', CONNECTIONS, ...options]
  await load(url, '--duration', WARM_UP_SECONDS, ...common)
  const before = await settledCount(app)
  const seen = await load(url, '--duration', SECONDS, ...common)
  const stored = (await settledCount(app)) - before
  // What was answered as placed is there: those that were cut off at the end may be there too.
  if (seen.failed > 0 || stored < seen.requests || stored > seen.requests + Number(CONNECTIONS)) {
    throw new Error(`${seen.requests} orders were answered, ${seen.failed} failed, ${stored} are stored`)
  }
  const { per_second, p50_ms, p99_ms } = seen
  return { per_second: rounded(per_second), ratio: rounded(per_second / yardstick_tps), p50_ms, p99_ms }
}

/** How many orders there are, once those are in whose callers were cut off. */
async function settledCount(app: BenchContext['app']): Promise<number> {
  for (let last = -1, count = await countOrders(app); ; last = count, count = await countOrders(app)) {
    if (count === last) return count
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

async function countOrders(app: BenchContext['app']): Promise<number> {
  const [row] = await app.db.query<{ n: number }>('select count(*)::int as n from orders.orders')
  return row?.n ?? 0
}
