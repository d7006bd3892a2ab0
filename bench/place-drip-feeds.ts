import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import type { BenchContext } from './bench.ts'
import type { BenchShop } from './product.ts'

/** Runs of each. */
const RUNS = 100

/** Places drip-feeds whose first run is due at once and all others in hours to come: what waits for its time must hold up nothing that does not. */
export async function placeDripFeeds({ app, say }: BenchContext, shop: BenchShop, feeds: number): Promise<void> {
  say(`Placing ${feeds} drip-feeds of ${RUNS} runs …`)
  const service = shop.services.find((each) => each.type === 'Default' && each.dripfeed)
  if (!service) throw new Error('the panel sells nothing of type Default in runs')
  const { id: customer_id } = await shop.customer()
  for (let i = 0; i < feeds; i++) {
    const rhythm = { runs: String(RUNS), interval: '60' }
    const link = `https://example.com/drip-feed/${i}`
    const order = { customer_id, service_id: service.id, link, quantity: String(service.min), ...rhythm }
    const [outcome] = await placeOrders(app, [order])
    if (!outcome?.ok) throw new Error(`a drip-feed was refused: ${outcome?.refusal.code}`)
  }
}
