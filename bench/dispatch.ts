import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import { type Bench, type BenchContext, rounded } from './bench.ts'
import { placeDripFeeds } from './place-drip-feeds.ts'
import { type BenchShop, openBenchShop, proveBooks, startPanel, startRole } from './product.ts'

const ORDERS = 16_000
const CUSTOMERS = 20
/** Of each of these one run is to be sent now and 99 are not. */
const DRIP_FEEDS = 50
const BATCH = 1_000
const PROVIDER_MS = '20'
/** Counted from here, so that starting up is not, to there, so that running dry is not. */
const FROM = 2_000
const TO = 14_000
const LOOK_MS = 50

export const dispatchBench: Bench = {
  summary:
    'orders/s forwarded to a provider that answers in 20 ms, accepted and booked, with runs among them that are due later',
  run: async (context) => {
    const panel = await startPanel(
      '--delay-ms',
      PROVIDER_MS,
      '--complete-ms-min',
      '3600000',
      '--complete-ms-max',
      '7200000',
    )
    try {
      const shop = await openBenchShop(context, panel, { concurrency: 100, rate_per_second: 10_000 })
      await fillQueue(context, shop)
      await placeDripFeeds(context, shop, DRIP_FEEDS)
      context.say('Dispatching …')
      const worker = await startRole(context, 'worker')
      const [begin, end] = [await momentOf(context, FROM), await momentOf(context, TO)]
      const due = ORDERS + DRIP_FEEDS
      await momentOf(context, due)
      await worker.stop()
      const per_second = (end.accepted - begin.accepted) / ((end.at_ms - begin.at_ms) / 1000)
      const { orders_accepted, links_ordered_more_than_once } = await panel.control.summary()
      if (orders_accepted !== due || links_ordered_more_than_once !== 0) {
        throw new Error(`${due} orders, ${orders_accepted} at the provider, ${links_ordered_more_than_once} doubled`)
      }
      const ratio = per_second / context.yardstick_tps
      const latency = await latencies(context)
      const verify = await proveBooks(context)
      return { dispatch: { per_second: rounded(per_second), ratio: rounded(ratio), ...latency }, doubled: 0, verify }
    } finally {
      await panel.stop()
    }
  },
}

async function fillQueue({ app, say }: BenchContext, shop: BenchShop): Promise<void> {
  say(`Placing ${ORDERS} orders …`)
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => shop.customer()))
  const service = shop.services.find((each) => each.type === 'Default')
  if (!service) throw new Error('the panel sells no service of type Default')
  for (let at = 0; at < ORDERS; at += BATCH) {
    const inputs = Array.from({ length: BATCH }, (_, i) => ({
      customer_id: customers[(at + i) % CUSTOMERS]?.id as bigint,
      service_id: service.id,
      link: `https://example.com/${at + i}`,
      quantity: String(service.min),
    }))
    const outcomes = await placeOrders(app, inputs)
    const refused = outcomes.find((outcome) => !outcome.ok)
    if (refused) throw new Error(`an order was refused: ${JSON.stringify(refused)}`)
  }
}

/** When so many orders had been accepted. */
async function momentOf({ app }: BenchContext, count: number): Promise<{ at_ms: number; accepted: number }> {
  for (;;) {
    const [row] = await app.db.query<{ n: number }>(
      `select count(*)::int as n from orders.orders where state not in ('scheduled', 'queued', 'dispatching')`,
    )
    const accepted = row?.n ?? 0
    if (accepted >= count) return { at_ms: performance.now(), accepted }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** From the commit of the intent to that of the outcome. */
async function latencies({ app }: BenchContext): Promise<{ p50_ms: number; p99_ms: number }> {
  const [row] = await app.db.query<{ p50_ms: number; p99_ms: number }>(`
    select percentile_cont(0.5) within group (order by ms) as p50_ms, percentile_cont(0.99) within group (order by ms) as p99_ms
    from (select extract(epoch from ended_at - started_at)::float8 * 1000 as ms from orders.attempt where state = 'accepted') a`)
  return { p50_ms: rounded(row?.p50_ms ?? 0), p99_ms: rounded(row?.p99_ms ?? 0) }
}
