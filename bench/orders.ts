import { ensureWrk } from '#tools/ensure-system-packages.ts'
import { type Bench, type BenchContext, rounded } from './bench.ts'
import { type Asked, type Load, load, openBenchShop, proveBooks, startPanel, startRole, steadyLoad } from './product.ts'

const CONNECTIONS = 128
const WARM_UP_SECONDS = 3
const SECONDS = 6
const STEADY_SECONDS = '4'
const STEADY_WARM_UP_SECONDS = '1'
/** What the house must keep up with: the yardstick's rate this many times. */
const STEADY_RATIO = 2
const LOOK_MS = 300

export const ordersBench: Bench = {
  summary: 'orders/s over HTTP: held, recorded and queued durably; /api/v2, REST, and steadily at twice the yardstick',
  run: async (context) => {
    const panel = await startPanel()
    // Switched off: the orders stay queued, and what is measured is the taking of orders alone.
    const shop = await openBenchShop(context, panel, { enabled: false })
    const customer = await shop.customer()
    await panel.stop()
    const service = shop.services.find((each) => each.type === 'Default')
    const product = await startRole(context, 'all')
    try {
      const [begin_cpu_ms, begin_count] = [await product.cpu_ms(), await countOrders(context.app)]
      const form = new URLSearchParams({
        key: customer.key,
        action: 'add',
        service: String(service?.id),
        link: 'https://example.com/text',
        quantity: String(service?.min),
      })
      const panelUrl = `${product.url}/api/v2`
      const type = 'application/x-www-form-urlencoded'
      const panel_api = await measure(context, {
        url: panelUrl,
        headers: { 'content-type': type },
        body: form.toString(),
      })
      const order = { service: String(service?.id), link: 'https://example.com/text', quantity: String(service?.min) }
      const headers = { 'content-type': 'application/json', 'x-api-key': customer.key }
      const rest = await measure(context, { url: `${product.url}/api/v1/order`, headers, body: JSON.stringify(order) })
      const posting = ['--header', `content-type=${type}`, '--body', form.toString()]
      const steady = await measureSteadily(context, panelUrl, posting)
      const resident_mb = await product.resident_mb()
      const placed = (await countOrders(context.app)) - begin_count
      const cpu_ms_per_order = rounded(((await product.cpu_ms()) - begin_cpu_ms) / placed)
      await product.stop()
      return { panel_api, rest, steady, cpu_ms_per_order, resident_mb, verify: await proveBooks(context) }
    } catch (error) {
      await product.stop()
      throw error
    }
  },
}

/** As many orders as come through: each connection sends its next when the last is answered, so that latency is what 128 who wait for each other have. */
async function measure(context: BenchContext, asked: Asked) {
  const wrk = await ensureWrk(context.say)
  context.say(`Ordering at ${new URL(asked.url).pathname} …`)
  await load(wrk, asked, WARM_UP_SECONDS, CONNECTIONS)
  // Those that were cut off at the end may be stored too.
  return figuresOf(context, CONNECTIONS, () => load(wrk, asked, SECONDS, CONNECTIONS))
}

/** The rate that the house must keep up with, whatever the answers take: what customers wait for who order at their own time. */
async function measureSteadily(context: BenchContext, url: string, options: string[]) {
  const rate = Math.round(STEADY_RATIO * context.yardstick_tps)
  context.say(`Ordering steadily, ${rate} a second …`)
  const times = ['--duration', STEADY_SECONDS, '--warm-up', STEADY_WARM_UP_SECONDS]
  const pace = ['--rate', String(rate), '--connections', String(CONNECTIONS), ...times]
  return figuresOf(context, rate * Number(STEADY_WARM_UP_SECONDS), () => steadyLoad(url, ...pace, ...options))
}

/** `more`: what may be stored besides what `run` counts. */
async function figuresOf({ app, yardstick_tps }: BenchContext, more: number, run: () => Promise<Load>) {
  const before = await settledCount(app)
  const seen = await run()
  const stored = (await settledCount(app)) - before
  if (seen.failed > 0 || stored < seen.requests || stored > seen.requests + more) {
    throw new Error(`${seen.requests} orders were answered, ${seen.failed} failed, ${stored} are stored`)
  }
  const { per_second, p50_ms, p99_ms } = seen
  const [rate, ratio] = [rounded(per_second), rounded(per_second / yardstick_tps)]
  return { per_second: rate, ratio, p50_ms: rounded(p50_ms), p99_ms: rounded(p99_ms) }
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
