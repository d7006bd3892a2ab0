import { type Bench, type BenchContext, rounded } from './bench.ts'
import { fillFinishedOrders } from './fill-orders.ts'
import { type BenchShop, load, openBenchShop, startPanel, startRole } from './product.ts'

const FEW = 10_000
const MANY = 1_000_000
const RATE = '2000'
const CONNECTIONS = '32'
const SECONDS = '4'
const WARM_UP_SECONDS = '2'

export const readBench: Bench = {
  summary: 'balance, order and list of orders at 2,000/s, with 10⁴ and with 10⁶ orders stored',
  run: async (context) => {
    const panel = await startPanel()
    const shop = await openBenchShop(context, panel, { enabled: false })
    await panel.stop()
    const customer = await shop.customer()
    const product = await startRole(context, 'api')
    try {
      await fill(context, shop, customer, FEW)
      const few = await measureAll(context, product.url, customer)
      await fill(context, shop, customer, MANY - FEW)
      const many = await measureAll(context, product.url, customer)
      const growth = Object.fromEntries(
        Object.keys(many).map((name) => [name, rounded((many[name]?.p99_ms ?? 0) / (few[name]?.p99_ms || 1))]),
      )
      return { few: { orders: FEW, ...few }, many: { orders: MANY, ...many }, p99_growth: growth }
    } finally {
      await product.stop()
    }
  },
}

async function fill(
  context: BenchContext,
  shop: BenchShop,
  customer: { id: bigint; wallet: bigint },
  count: number,
): Promise<void> {
  context.say(`Storing ${count} orders …`)
  await fillFinishedOrders(context, count, customer, shop.services[0]?.id as bigint, shop.provider_id)
}

interface Figures {
  per_second: number
  p50_ms: number
  p99_ms: number
}

async function measureAll(
  { app, say }: BenchContext,
  url: string,
  customer: { id: bigint; key: string },
): Promise<Record<string, Figures>> {
  const [row] = await app.db.query<{ id: bigint }>(
    'select id from orders.orders where customer_id = $1 order by id offset 50 limit 1',
    [customer.id],
  )
  const paths = { balance: '/api/v1/balance', order: `/api/v1/order/${row?.id}`, list: '/api/v1/orders?limit=25' }
  const figures: Record<string, Figures> = {}
  for (const [name, path] of Object.entries(paths)) {
    say(`Reading ${path} …`)
    const options = ['--connections', CONNECTIONS, '--overallRate', RATE, '--headers', `x-api-key=${customer.key}`]
    await load(`${url}${path}`, '--duration', WARM_UP_SECONDS, ...options)
    const { per_second, p50_ms, p99_ms, failed } = await load(`${url}${path}`, '--duration', SECONDS, ...options)
    if (failed > 0) throw new Error(`${failed} reads of ${path} failed`)
    figures[name] = { per_second: rounded(per_second), p50_ms, p99_ms }
  }
  return figures
}
