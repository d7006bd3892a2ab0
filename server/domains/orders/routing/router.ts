import { readRouting } from '#server/domains/catalog/sellable-services.ts'
import { type CatalogApp, RATE_MAX, type Service } from '#server/domains/catalog/service.ts'
import type { Routing } from '#server/domains/catalog/snapshot.ts'
import { chooseSource } from '#server/domains/catalog/sources/choose-source.ts'
import { admits, type Quarantine, type Source, sells } from '#server/domains/catalog/sources/source.ts'
import { providerCan } from '#server/domains/providers/provider-row.ts'
import { providerStandings, type Standing } from '#server/domains/providers/standings.ts'
import { chance } from '#server/kit/id.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import { type Order, priceOf } from '../order.ts'

/** Where an order is bought: what it carries of its source. */
export type Route = Pick<Order, 'provider_id' | 'provider_service_id' | 'expected_cost' | 'cost_asset'>

/** What decides the next source of an order that has one already. */
export type Routed = Pick<Order, 'service_id' | 'provider_id' | 'provider_service_id' | 'quantity' | 'rate'>

/** A source whose orders wait although they could be bought elsewhere, and why. */
export interface StuckSource {
  service_id: bigint
  provider_id: bigint
  provider_service_id: string
  why: StuckReason
  /** What an order must have been sold at for the cheapest other source to be no loss, in micro-USD per 1000 or package. */
  rate_min: bigint
}
export type StuckReason = 'provider_off' | 'provider_paused' | 'quarantined'

/** Chooses where orders are bought, by what a process knows at one moment. Asks nobody. */
export interface Router {
  /** Where a new order goes. When no source can be used at this moment, the first that sells such a quantity, and it waits there. */
  first(service: Service, quantity: bigint): Route
  /** Where an order goes next: a source that can be used, is not where it is, and is none of `tried` (names by `sourceName`). Its rate is what it was sold at. */
  next(order: Routed, tried: ReadonlySet<string>): Route | undefined
  /** The way to the source that staff choose, and why it gets no orders at this moment, if so; undefined where it is none of the service's or cannot be used without a loss. */
  to(order: Routed, source_id: bigint): { route: Route; why: StuckReason | undefined } | undefined
  /** Whether its service has more than one source. */
  hasOthers(service_id: bigint): boolean
  /** What is in quarantine at this provider; `due` may have a trial. */
  heldAt(provider_id: bigint): { held: Quarantine[]; due: Quarantine[] }
  /** The quarantine of a source, if it is in one. */
  quarantineOf(provider_id: bigint, provider_service_id: string): Quarantine | undefined
  stuck(): StuckSource[]
}

const NO_STANDINGS: ReadonlyMap<bigint, Standing> = new Map()

/** Opens the router on what this process knows now. `random` answers 0 to below 1. */
export async function openRouter(app: CatalogApp, random: () => number = chance): Promise<Router> {
  const routing = await readRouting(app)
  const standings = routing.sourcings.size === 0 ? NO_STANDINGS : await providerStandings(app)
  return routerOf({ routing, standings, now: app.clock.now(), random })
}

/** What a router goes by. */
export interface Known {
  routing: Routing
  standings: ReadonlyMap<bigint, Standing>
  now: Date
  random: () => number
}

/** The router by what is known. Pure but for `random`. */
export function routerOf(known: Known): Router {
  const { routing, now, random } = known
  const quarantines = [...routing.quarantines.values()]
  return {
    first: (service, quantity) => {
      const sourcing = routing.sourcings.get(service.id)
      if (!sourcing) return routeTo(service, quantity)
      const selling = sourcing.sources.filter((source) => canBuy(source, service.rate, quantity))
      const usable = selling.filter((source) => !whyNot(known, source.service))
      const chosen = chooseSource(sourcing.strategy, usable, random()) ?? selling[0]
      return routeTo(chosen?.service ?? service, quantity)
    },
    next: (order, tried) => {
      const sourcing = routing.sourcings.get(order.service_id)
      const usable = sourcing?.sources.filter(
        (source) =>
          canBuy(source, order.rate, order.quantity) &&
          !whyNot(known, source.service) &&
          !tried.has(sourceName(source.service)) &&
          sourceName(source.service) !== sourceName(order),
      )
      const chosen = sourcing && usable && chooseSource(sourcing.strategy, usable, random())
      return chosen && routeTo(chosen.service, order.quantity)
    },
    to: (order, source_id) => {
      const source = routing.sourcings.get(order.service_id)?.sources.find(({ service }) => service.id === source_id)
      const fits = source && canBuy(source, order.rate, order.quantity)
      if (!fits) return undefined
      return { route: routeTo(source.service, order.quantity), why: whyNot(known, source.service) }
    },
    hasOthers: (service_id) => (routing.sourcings.get(service_id)?.sources.length ?? 0) > 1,
    heldAt: (provider_id) => {
      const held = quarantines.filter((each) => each.provider_id === provider_id)
      return { held, due: held.filter(({ until }) => until <= now) }
    },
    quarantineOf: (provider_id, provider_service_id) =>
      quarantines.find((each) => sourceName(each) === sourceName({ provider_id, provider_service_id })),
    stuck: () => stuckAmong(known),
  }
}

/** A source's name among all: its provider, and what it is there. */
export function sourceName(source: Pick<Order, 'provider_id' | 'provider_service_id'>): string {
  return `${source.provider_id}/${source.provider_service_id}`
}

/** Never at a loss by what is known, and within the provider's limits. */
function canBuy(source: Source, rate: bigint, quantity: bigint): boolean {
  const { type, cost } = source.service
  return sells(source, rate) && admits(source, quantity) && priceOf(type, cost, quantity) <= AMOUNT_MAX
}

function routeTo({ type, cost, cost_asset, provider_id, provider_service_id }: Service, quantity: bigint): Route {
  return { provider_id, provider_service_id, expected_cost: priceOf(type, cost, quantity), cost_asset }
}

/** Why orders do not go there at this moment. */
function whyNot({ routing, standings, now }: Known, source: Service): StuckReason | undefined {
  const quarantine = routing.quarantines.get(source.id)
  if (quarantine && quarantine.until > now) return 'quarantined'
  const standing = standings.get(source.provider_id)
  if (!standing || providerCan.take(standing, now)) return undefined
  return standing.enabled ? 'provider_paused' : 'provider_off'
}

function stuckAmong(known: Known): StuckSource[] {
  const stuck: StuckSource[] = []
  for (const [service_id, { sources }] of known.routing.sourcings) {
    // Orders were sold at many rates: what is a loss to one is none to another.
    const others = sources.filter((source) => sells(source, RATE_MAX) && !whyNot(known, source.service))
    const [first, ...more] = others.map(({ service }) => service.cost_usd ?? RATE_MAX)
    if (first === undefined) continue
    const rate_min = more.reduce((least, cost) => (cost < least ? cost : least), first)
    for (const { service } of sources) {
      const { provider_id, provider_service_id } = service
      const why = whyNot(known, service)
      if (why) stuck.push({ service_id, provider_id, provider_service_id, why, rate_min })
    }
  }
  return stuck
}
