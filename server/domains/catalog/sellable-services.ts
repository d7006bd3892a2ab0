import { openPrices } from './plans/plan-prices.ts'
import type { CatalogApp, Service } from './service.ts'
import { currentSnapshot, REVISION_KEY, type Routing } from './snapshot.ts'

/** Lists kept for one revision, each of some megabytes: one of a form and a price plan. Beyond, the oldest is rendered anew when it is asked for. */
const RENDERED_MAX = 24

/** The services of these ids, sold or not (`active` tells), by id. Ids that do not exist are absent. From memory unless the catalogue has changed. */
export async function servicesByIds(app: CatalogApp, ids: readonly bigint[]): Promise<Map<bigint, Service>> {
  const { by_id } = await currentSnapshot(app)
  const found = new Map<bigint, Service>()
  for (const id of ids) {
    const service = by_id.get(id)
    if (service) found.set(id, service)
  }
  return found
}

/** The services that are sold, by category and position. From memory unless the catalogue has changed. */
export async function activeServices(app: CatalogApp): Promise<readonly Service[]> {
  return (await currentSnapshot(app)).active
}

/** What services with several sources are bought from. From memory unless the catalogue has changed. */
export async function readRouting(app: CatalogApp): Promise<Routing> {
  return (await currentSnapshot(app)).routing
}

/**
 * What `render` makes of the services that are sold, at the rates of a customer where one is named: made once for each change of the catalogue, `form` and price plan. `form` names the
 * rendering.
 */
export async function renderedServices(
  app: CatalogApp,
  form: string,
  render: (services: readonly Service[]) => string,
  customer_id?: bigint,
): Promise<string> {
  const snapshot = await currentSnapshot(app)
  const prices = customer_id === undefined ? undefined : await openPrices(app, [customer_id], snapshot)
  const plan_id = customer_id === undefined ? undefined : prices?.planOf(customer_id)
  const name = plan_id === undefined ? form : `${form} ${plan_id}`
  const known = snapshot.rendered.get(name)
  if (known !== undefined) return known
  const priced =
    prices && customer_id !== undefined && plan_id !== undefined
      ? snapshot.active.map((service) => prices.priced(customer_id, service))
      : snapshot.active
  const text = render(priced)
  snapshot.rendered.set(name, text)
  for (const oldest of snapshot.rendered.keys()) {
    if (snapshot.rendered.size <= RENDERED_MAX) break
    snapshot.rendered.delete(oldest)
  }
  return text
}

/** To be called after a change of services or price plans has committed: this process reads them anew at once, others within REVISION_TTL_MS. */
export async function forgetServices(app: CatalogApp): Promise<void> {
  await app.cache.forget(REVISION_KEY)
}
