import { type Bench, type BenchContext, rounded } from './bench.ts'
import { fillFinishedOrders } from './fill-orders.ts'
import { type BenchShop, openBenchShop, startBareServer, startPanel, startRole, steadyLoad } from './product.ts'

const FEW = 10_000
const MANY = 1_000_000
const RATE = '2000'
const SECONDS = '2.5'
const WARM_UP_SECONDS = '1.7'

export const readBench: Bench = {
  summary: 'balance, order and list of orders at 2,000/s, with 10⁴ and with 10⁶ orders stored',
  run: async (context) => {
    const panel = await startPanel()
    const shop = await openBenchShop(context, panel, { enabled: false })
    await panel.stop()
    const customer = await shop.customer()
    const floor = await measureFloor(context)
    const product = await startRole(context, 'api')
    try {
      await fill(context, shop, customer, FEW)
      const few = await measureAll(context, product.url, customer)
      await fill(context, shop, customer, MANY - FEW)
      const many = await measureAll(context, product.url, customer)
      return {
        floor,
        few: { orders: FEW, ...few },
        many: { orders: MANY, ...many },
        growth: { p50: growth(few, many, 'p50_ms'), p99: growth(few, many, 'p99_ms') },
      }
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
  const services = shop.services.slice(0, 1).map(({ id }) => id)
  await fillFinishedOrders(context, count, customer, { services, provider_id: shop.provider_id })
}

/** What the same reader sees of a server that does nothing: no figure of ours can be better than this one. */
async function measureFloor({ say }: BenchContext): Promise<Figures> {
  const bare = await startBareServer()
  say('Reading from a bare server …')
  try {
    return await measure(bare.url, 'none')
  } finally {
    await bare.stop()
  }
}

interface Figures {
  per_second: number
  p50_ms: number
  p99_ms: number
}

/** How many times as long each read takes with many orders stored. */
function growth(few: AllFigures, many: AllFigures, figure: 'p50_ms' | 'p99_ms'): Record<string, number> {
  return Object.fromEntries(
    Object.entries(many).map(([name, figures]) => [name, rounded(figures[figure] / (few[name]?.[figure] || 1))]),
  )
}

type AllFigures = Record<string, Figures>

async function measureAll(
  { app, say }: BenchContext,
  url: string,
  customer: { id: bigint; key: string },
): Promise<AllFigures> {
  const [row] = await app.db.query<{ id: bigint }>(
    'select id from orders.orders where customer_id = $1 order by id offset 50 limit 1',
    [customer.id],
  )
  const paths = { balance: '/api/v1/balance', order: `/api/v1/order/${row?.id}`, list: '/api/v1/orders?limit=25' }
  const seen: AllFigures = {}
  // One after another: several generators at once would wait for each other's turn on the cores, and measure that.
  for (const [name, path] of Object.entries(paths)) {
    say(`Reading ${path} …`)
    seen[name] = await measure(`${url}${path}`, customer.key)
  }
  return seen
}

async function measure(url: string, key: string): Promise<Figures> {
  const pace = ['--rate', RATE, '--warm-up', WARM_UP_SECONDS, '--duration', SECONDS]
  const { per_second, p50_ms, p99_ms, failed } = await steadyLoad(url, ...pace, '--header', `x-api-key=${key}`)
  if (failed > 0) throw new Error(`${failed} reads failed`)
  return { per_second: rounded(per_second), p50_ms: rounded(p50_ms), p99_ms: rounded(p99_ms) }
}
