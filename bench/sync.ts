import { pollOrders } from '#server/domains/orders/following/poll-orders.ts'
import { priceOf } from '#server/domains/orders/order.ts'
import { openProviders } from '#server/domains/providers/registry.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { type Bench, type BenchContext, percentile, rounded } from './bench.ts'
import { fillOpenOrders } from './fill-orders.ts'
import { placeDripFeeds } from './place-drip-feeds.ts'
import { placeSubscriptions } from './place-subscriptions.ts'
import { type BenchShop, openBenchShop, type PanelProcess, proveBooks, startPanel } from './product.ts'

const ORDERS = 100_000
const CUSTOMERS = 50
/** A hundred runs each, none of which is to be asked about. */
const DRIP_FEEDS = 50
/** Each with some posts that are new when the cycle comes. */
const SUBSCRIPTIONS = 1_000
const ENTERED_MAX = 10_000
/** Orders end within two minutes of being entered, so about a fifth has ended when the cycle comes. */
const PACE = ['--complete-ms-min', '1000', '--complete-ms-max', '120000', '--post-every-ms', '4000']

export const syncBench: Bench = {
  summary:
    '100,000 open orders polled in hundreds, changes settled: one cycle of one worker, with drip-feeds and subscriptions among the orders',
  run: async (context) => {
    const panel = await startPanel(...PACE)
    try {
      const shop = await openBenchShop(context, panel, { concurrency: 16, rate_per_second: 10_000 })
      await placeSubscriptions(context, shop, panel, SUBSCRIPTIONS)
      await placeDripFeeds(context, shop, DRIP_FEEDS)
      await openOrders(context, shop, panel)
      const cycle = await poll(context, shop.provider_id)
      const verify = await proveBooks(context)
      return { ...cycle, verify }
    } finally {
      await panel.stop()
    }
  },
}

async function openOrders(context: BenchContext, shop: BenchShop, panel: PanelProcess): Promise<void> {
  context.say(`Opening ${ORDERS} orders …`)
  const service = shop.services.find((each) => each.type === 'Default')
  if (!service) throw new Error('the panel sells no service of type Default')
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => shop.customer()))
  const quantity = service.min
  const enter = async (at: number) => {
    const links = Array.from({ length: Math.min(ENTERED_MAX, ORDERS - at) }, (_, i) => `https://example.com/${at + i}`)
    const { ids } = await panel.control.enterOrders(
      links.map((link) => ({ service: service.provider_service_id, link, quantity: String(quantity) })),
    )
    return { links, ids }
  }
  let entering = enter(0)
  for (let at = 0; at < ORDERS; at += ENTERED_MAX) {
    const { links, ids } = await entering
    // While these are stored here, the panel takes the next.
    if (at + ENTERED_MAX < ORDERS) entering = enter(at + ENTERED_MAX)
    await fillOpenOrders(
      context,
      ids.map((provider_order_id, i) => {
        const { id: customer_id, wallet } = customers[i % CUSTOMERS] as { id: bigint; wallet: bigint }
        const { id: service_id, provider_id, provider_service_id, rate } = service
        const charge = priceOf('Default', rate, quantity)
        const cost = priceOf('Default', service.cost, quantity)
        const link = links[i] as string
        return {
          customer_id,
          wallet,
          service_id,
          provider_id,
          provider_service_id,
          provider_order_id,
          link,
          quantity,
          rate,
          charge,
          cost,
        }
      }),
    )
  }
}

async function poll(context: BenchContext, provider_id: bigint) {
  const { app, say } = context
  say('Polling …')
  const providers = openProviders({ ...app, secrets: await openSecrets(app.config) })
  // Once round: what was asked about is due again later, so the cycle ends when each has been asked about.
  const due = ORDERS + SUBSCRIPTIONS
  const passes: number[] = []
  let asked = 0
  let settled = 0
  const begin = performance.now()
  while (asked < due) {
    const pass = performance.now()
    const report = await pollOrders(app, providers, provider_id)
    passes.push(performance.now() - pass)
    asked += report.asked
    settled += report.settled
  }
  const cycle_ms = performance.now() - begin
  await providers.close()
  const [{ posts } = { posts: 0 }] = await app.db.query<{ posts: number }>(
    'select coalesce(sum(posts_billed), 0)::int as posts from orders.subscription',
  )
  const sorted = passes.sort((a, b) => a - b)
  return {
    cycle: {
      orders: asked,
      settled,
      posts,
      seconds: rounded(cycle_ms / 1000),
      per_second: rounded(asked / (cycle_ms / 1000)),
    },
    ratio: rounded(asked / (cycle_ms / 1000) / context.yardstick_tps),
    p50_ms: rounded(percentile(sorted, 0.5)),
    p99_ms: rounded(percentile(sorted, 0.99)),
  }
}
