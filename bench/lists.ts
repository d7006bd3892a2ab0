import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { newUuid } from '#server/kit/id.ts'
import { type Bench, type BenchContext, rounded } from './bench.ts'
import { fillFinishedOrders } from './fill-orders.ts'
import { openBenchShop, type Process, startPanel, startRole, steadyLoad } from './product.ts'

const ORDERS = 1_000_000
const DAYS = 365
const DAY_MS = 86_400_000
/** A few desks that page without rest. */
const STAFF_PACE = ['--rate', '50', '--warm-up', '0.5', '--duration', '2']
const CUSTOMER_PACE = ['--rate', '500', '--warm-up', '0.5', '--duration', '2']
/** How often the memory is looked at while the export runs. */
const LOOK_MS = 50

export const listsBench: Bench = {
  summary: 'staff lists of three filters, a list of a customer and an export, with 10⁶ orders stored',
  run: async (context) => {
    const panel = await startPanel()
    const shop = await openBenchShop(context, panel, { enabled: false })
    await panel.stop()
    const customer = await shop.customer()
    const staff = await staffKey(context)
    context.say(`Storing ${ORDERS} orders …`)
    const services = shop.services.map(({ id }) => id)
    const { provider_id } = shop
    await fillFinishedOrders(context, ORDERS, customer, { services, provider_id, days: DAYS, short_percent: 3 })
    const product = await startRole(context, 'api')
    try {
      const of = `provider=${provider_id}&service=${services[2]}`
      const lists = {
        newest: `${of}&state=completed`,
        rare: `${of}&state=failed`,
        span: `service=${services[2]}&state=partial&from=${daysAgo(200)}&to=${daysAgo(150)}`,
        customer: `customer=${customer.id}&service=${services[2]}&user_visible_status=Canceled`,
      }
      const seen: Record<string, unknown> = {}
      for (const [name, filter] of Object.entries(lists)) {
        context.say(`Listing ${filter} …`)
        seen[name] = await measure(`${product.url}/api/admin/orders?${filter}&limit=50`, staff, STAFF_PACE)
      }
      context.say('Listing for a customer …')
      const own = await measure(`${product.url}/api/v1/orders?limit=25`, customer.key, CUSTOMER_PACE)
      context.say('Exporting …')
      return { orders: ORDERS, staff: seen, customer: own, export: await exportAll(product, staff) }
    } finally {
      await product.stop()
    }
  },
}

async function staffKey({ app }: BenchContext): Promise<string> {
  const role = { email: `${newUuid()}@example.com`, password: newUuid(), role: 'administrator' }
  const { id: user_id } = await createUser(app, role)
  return (await createApiKey(app, { user_id, name: 'bench' })).key
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString()
}

async function measure(url: string, key: string, pace: readonly string[]) {
  const { per_second, p50_ms, p99_ms, failed } = await steadyLoad(url, ...pace, '--header', `x-api-key=${key}`)
  if (failed > 0) throw new Error(`${failed} reads of ${url} failed`)
  return { per_second: rounded(per_second), p50_ms: rounded(p50_ms), p99_ms: rounded(p99_ms) }
}

/** Takes the whole export, and looks at the server's memory meanwhile: a file of a million orders that it held at once would be hundreds of megabytes. */
async function exportAll(product: Process & { url: string }, key: string) {
  const before_mb = await product.resident_mb()
  let peak_mb = before_mb
  const watch = setInterval(async () => {
    peak_mb = Math.max(peak_mb, await product.resident_mb())
  }, LOOK_MS)
  const begin = performance.now()
  try {
    const response = await fetch(`${product.url}/api/admin/orders.csv`, { headers: { 'x-api-key': key } })
    if (!response.body) throw new Error(`the export answered ${response.status}`)
    let [bytes, rows] = [0, -1]
    for await (const chunk of response.body) {
      bytes += chunk.length
      for (const byte of chunk) if (byte === 10) rows += 1
    }
    if (rows !== ORDERS) throw new Error(`${rows} of ${ORDERS} orders were exported`)
    const seconds = (performance.now() - begin) / 1000
    const [mb, rows_per_second] = [Math.round(bytes / 1_000_000), Math.round(rows / seconds)]
    return { rows, mb, seconds: rounded(seconds), rows_per_second, resident_mb: { before: before_mb, peak: peak_mb } }
  } finally {
    clearInterval(watch)
  }
}
