import { openPrices } from './plans/plan-prices.ts'
import type { CatalogApp, Service } from './service.ts'
import { currentSnapshot, REVISION_KEY, type Routing } from './snapshot.ts'

/**
 * Lists at the rates of price plans and discounts kept for one revision, each of some megabytes: one of a form and what prices. Beyond, the one that nobody has asked for longest is
 * rendered anew when it is. The lists for all are few and always kept.
 */
const RENDERED_FOR_SOME_MAX = 24

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
 * What `render` makes of the services that are sold, at the rates of a customer where one is named: made once for each change of the catalogue, `form`, and what prices for the customer at this
 * moment. `form` names the rendering.
 */
export async function renderedServices(
  app: CatalogApp,
  form: string,
  render: (services: readonly Service[]) => string,
  customer_id?: bigint,
): Promise<string> {
  const snapshot = await currentSnapshot(app)
  const { active, rendered, rendered_for_some } = snapshot
  const prices = customer_id === undefined ? undefined : await openPrices(app, [customer_id], snapshot)
  const pricing = customer_id === undefined ? undefined : prices?.pricingOf(customer_id)
  if (!prices || customer_id === undefined || pricing === undefined) {
    const text = rendered.get(form) ?? render(active)
    rendered.set(form, text)
    return text
  }
  const name = `${form} ${pricing}`
  const text = rendered_for_some.get(name) ?? render(active.map((service) => prices.priced(customer_id, service)))
  rendered_for_some.delete(name)
  rendered_for_some.set(name, text)
  for (const longest of rendered_for_some.keys()) {
    if (rendered_for_some.size <= RENDERED_FOR_SOME_MAX) break
    rendered_for_some.delete(longest)
  }
  return text
}

/** To be called after a change of services or price plans has committed: this process reads them anew at once, others within REVISION_TTL_MS. */
export async function forgetServices(app: CatalogApp): Promise<void> {
  await app.cache.forget(REVISION_KEY)
}
