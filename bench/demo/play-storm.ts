import { setSource } from '#server/domains/catalog/sources/set-source.ts'
import { setStrategy } from '#server/domains/catalog/sources/set-strategy.ts'
import { placeOrders } from '#server/domains/orders/placing/place-orders.ts'
import { openProviders } from '#server/domains/providers/registry.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import type { BenchContext } from '../bench.ts'
import { type BenchShop, openBenchShop, type PanelProcess, startPanel, startRole } from '../product.ts'
import { compareBooks } from './compare-books.ts'
import { openDesk } from './desk.ts'
import { showTable } from './table.ts'
import { weather } from './weather.ts'

/** What the demo works with: a bench without its yardstick. */
export type Demo = Pick<BenchContext, 'app' | 'url' | 'say'>

/** A provider of the demo, with its panel. */
export interface DemoProvider {
  name: string
  id: bigint
  panel: PanelProcess
}

const CUSTOMERS = 5
const LOOK_MS = 500
/** Orders take so long at the panels. */
const PACE = ['--complete-ms-min', '1000', '--complete-ms-max', '8000']
const SETTINGS = { concurrency: 40, rate_per_second: 10_000, timeout_ms: 1_500 }

/** Plays it, from the placing to the proof. Answers whether the books are sound and agree with both providers. */
export async function playStorm(
  demo: Demo,
  { orders, seconds }: { orders: number; seconds: number },
): Promise<boolean> {
  const panels = await Promise.all([startPanel(...PACE), startPanel(...PACE, '--seed', '7')])
  try {
    const [first, second] = [await open(demo, 'Abel', panels[0]), await open(demo, 'Baker', panels[1])]
    const service_id = await twoSources(demo, first, second)
    await placeAll(demo, first.shop, service_id, orders)
    const providers = [first, second].map(({ shop, ...provider }) => ({ ...provider, id: shop.provider_id }))
    await Promise.all(panels.map((panel, i) => panel.control.setFaults(weather(0, i))))
    const worker = await startRole({ ...demo, yardstick_tps: 0, steady_s: 0 }, 'worker', { SALDO_LOG_LEVEL: 'silent' })
    try {
      await watch(demo, providers, seconds)
    } finally {
      await worker.stop()
    }
    return await compareBooks(demo, providers)
  } finally {
    await Promise.all(panels.map((panel) => panel.stop()))
  }
}

async function open(demo: Demo, name: string, panel: PanelProcess) {
  const context = { ...demo, yardstick_tps: 0, steady_s: 0 }
  return { name, panel, shop: await openBenchShop(context, panel, { ...SETTINGS, name }) }
}

/** The cheapest service by quantity of the first, bought at both in turn. */
async function twoSources({ app }: Demo, first: { shop: BenchShop }, second: { shop: BenchShop }): Promise<bigint> {
  const own = first.shop.services.filter(
    (each) => each.type === 'Default' && each.provider_id === first.shop.provider_id,
  )
  const [service] = own.toSorted((a, b) => (a.rate < b.rate ? -1 : 1))
  const like = second.shop.services.find(
    (each) => each.provider_id === second.shop.provider_id && each.provider_service_id === service?.provider_service_id,
  )
  if (!service || !like) throw new Error('the panels do not list the same')
  await setSource(app, { service_id: service.id, source_id: like.id })
  await setStrategy(app, { service_id: service.id, strategy: 'weighted' })
  return service.id
}

async function placeAll({ app, say }: Demo, shop: BenchShop, service_id: bigint, n: number): Promise<void> {
  say(`Placing ${n} orders …`)
  const quantity = String(shop.services.find((each) => each.id === service_id)?.min ?? 1n)
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => shop.customer()))
  for (let at = 0; at < n; at += 1_000) {
    const inputs = Array.from({ length: Math.min(1_000, n - at) }, (_, i) => ({
      customer_id: customers[i % CUSTOMERS]?.id as bigint,
      service_id,
      link: `https://example.com/${at + i}`,
      quantity,
    }))
    await placeOrders(app, inputs)
  }
}

/** Changes the weather each second, lets the desk work, and shows where all is, until every order has ended. */
async function watch(demo: Demo, providers: readonly DemoProvider[], seconds: number): Promise<void> {
  const secrets = await openSecrets(demo.app.config)
  const opened = openProviders({ ...demo.app, secrets })
  const desk = openDesk(demo, opened, providers)
  const begin = performance.now()
  try {
    for (;;) {
      const second = Math.floor((performance.now() - begin) / 1_000)
      const is_over = second >= seconds
      await Promise.all(providers.map(({ panel }, i) => panel.control.setFaults(is_over ? {} : weather(second, i))))
      await desk.work()
      const left = await showTable(demo, providers, { second, is_over, desk: desk.done })
      if (is_over && left === 0) return
      if (is_over) await Promise.all(providers.map(({ panel }) => endWhatNeverEnds(panel)))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  } finally {
    await opened.close()
  }
}

/** One of the faults is that an order goes on for ever. */
async function endWhatNeverEnds({ control }: PanelProcess): Promise<void> {
  const long_ago = Date.now() - 15_000
  for (const order of await control.allOrders()) {
    const is_open = !['Completed', 'Partial', 'Canceled'].includes(order.status)
    if (is_open && Date.parse(order.created) < long_ago) await control.finish(order.id, { status: 'Completed' })
  }
}
