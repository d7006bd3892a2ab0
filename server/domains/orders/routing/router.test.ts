import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OfferGap, Service } from '#server/domains/catalog/service.ts'
import { type Source, STRATEGIES, type Strategy, soldThrough } from '#server/domains/catalog/sources/source.ts'
import type { Standing } from '#server/domains/providers/standings.ts'
import { type Known, routerOf, sourceName } from './router.ts'

const NOW = new Date('2026-01-01T12:00:00Z')
const later = (ms: number) => new Date(NOW.getTime() + ms)

function service(id: bigint, changes: Partial<Service> = {}): Service {
  return {
    id,
    name: 'Proofreading',
    category: 'Texts',
    description: null,
    type: 'Default',
    rate: 1_000_000n,
    min: 10n,
    max: 1_000n,
    provider_id: id,
    provider_service_id: `s${id}`,
    cost: 500_000n,
    cost_asset: 'USD',
    cost_usd: 500_000n,
    refill: false,
    cancel: false,
    dripfeed: false,
    duplicate_links: 'allow',
    staff_category: null,
    active: true,
    deactivated_reason: null,
    offered_rate: 1_000_000n,
    offered_min: 10n,
    offered_max: 1_000n,
    offer_gap: null,
    staff_rate: null,
    staff_min: null,
    staff_max: null,
    staff_off: false,
    position: 0,
    version: 1n,
    ...changes,
  }
}

const source = (row: Service, changes: Partial<Source> = {}): Source => {
  return { service: row, priority: Number(row.id), weight: 1, enabled: true, healthy: true, ...changes }
}

const standing = (changes: Partial<Standing> = {}): Standing => {
  return { enabled: true, paused_until: null, paused_since: null, ...changes }
}

const own = service(1n)

function known(sources: Source[], strategy: Strategy = 'fixed', changes: Partial<Known> = {}): Known {
  const routing = { sourcings: new Map([[1n, { strategy, sources }]]), quarantines: new Map() }
  const standings = new Map(sources.map(({ service: { provider_id } }) => [provider_id, standing()]))
  return { routing, standings, now: NOW, random: () => 0, ...changes }
}

const inQuarantine = ({ id, provider_id, provider_service_id }: Service, until: Date) => {
  return { service_id: id, provider_id, provider_service_id, since: later(-1_000), until, reason: 'x', user_id: null }
}

const order = { service_id: 1n, provider_id: 1n, provider_service_id: 's1', quantity: 100n, rate: 1_000_000n }
const NONE = new Set<string>()

describe('the choice', () => {
  const cheap = service(2n, { cost: 300_000n, cost_usd: 300_000n })
  const ill = service(3n, { cost: 100_000n, cost_usd: 100_000n })
  const sources = [source(own), source(cheap), source(ill, { healthy: false, weight: 2 })]

  test('fixed is the first, cheapest the cheapest that does well, or of all when none does', () => {
    expect(routerOf(known(sources)).first(own, 100n)).toEqual({
      provider_id: 1n,
      provider_service_id: 's1',
      expected_cost: 50_000n,
      cost_asset: 'USD',
    })
    expect(routerOf(known(sources, 'cheapest')).first(own, 100n)).toMatchObject({
      provider_id: 2n,
      expected_cost: 30_000n,
    })
    const none_well = sources.map((each) => ({ ...each, healthy: false }))
    expect(routerOf(known(none_well, 'cheapest')).first(own, 100n)).toMatchObject({ provider_id: 3n })
  })

  test('weights are followed: of four parts two go to who weighs two', () => {
    const chosen = [0, 0.24, 0.26, 0.49, 0.51, 0.76, 0.999].map(
      (at) => routerOf(known(sources, 'weighted', { random: () => at })).first(own, 100n).provider_id,
    )
    expect(chosen).toEqual([1n, 1n, 2n, 2n, 3n, 3n, 3n])
  })

  test('a service without further sources goes to its own provider, whatever is known of that', () => {
    const alone = known([])
    alone.routing = { sourcings: new Map(), quarantines: new Map([[1n, inQuarantine(own, later(1))]]) }
    expect(routerOf(alone).first(own, 100n)).toMatchObject({ provider_id: 1n })
    expect(routerOf(alone).next(order, NONE)).toBeUndefined()
  })

  test('when none can be used at this moment the order waits at the first that sells such a quantity', () => {
    const off = known([source(own), source(service(2n, { offered_max: 5_000n }))])
    off.standings = new Map([1n, 2n].map((id) => [id, standing({ enabled: false })]))
    expect(routerOf(off).first(own, 100n)).toMatchObject({ provider_id: 1n })
    expect(routerOf(off).first(own, 2_000n)).toMatchObject({ provider_id: 2n })
    expect(routerOf(off).stuck()).toEqual([])
  })

  test('what is stuck is told with its reason, where there is another way', () => {
    const other = service(2n)
    const state = known([source(own), source(other)])
    state.standings = new Map([
      [1n, standing({ paused_until: later(60_000), paused_since: NOW })],
      [2n, standing()],
    ])
    expect(routerOf(state).stuck()).toMatchObject([{ service_id: 1n, provider_id: 1n, why: 'provider_paused' }])
    const held = known([source(own), source(other)])
    held.routing = { ...held.routing, quarantines: new Map([[2n, inQuarantine(other, later(1))]]) }
    expect(routerOf(held).stuck()).toMatchObject([{ provider_id: 2n, why: 'quarantined' }])
    expect(routerOf(held).heldAt(2n)).toMatchObject({ held: [{ service_id: 2n }], due: [] })
    const due = { ...held, now: later(1) }
    expect(routerOf(due).heldAt(2n)).toMatchObject({ held: [{ service_id: 2n }], due: [{ service_id: 2n }] })
    expect(routerOf(due).next(order, NONE)).toMatchObject({ provider_id: 2n })
  })

  test('another way is one that is on offer, at what it costs there: an order that was sold for less does not wait for it', () => {
    const off = standing({ enabled: false })
    const stuckBeside = (...others: Source[]) => {
      const state = known([source(own), ...others])
      return routerOf({ ...state, standings: new Map([...state.standings, [1n, off]]) }).stuck()
    }
    const dear = service(2n, { cost_usd: 1_000_001n })
    expect(stuckBeside(source(dear))).toMatchObject([{ provider_id: 1n, rate_min: 1_000_001n }])
    expect(stuckBeside(source(dear), source(service(3n)))).toMatchObject([{ provider_id: 1n, rate_min: 500_000n }])
    for (const gone of [{ cost_usd: null }, { offer_gap: 'vanished' as const }])
      expect(stuckBeside(source(service(2n, gone)))).toEqual([])
  })

  test('pauses of moments are waited for, pauses in a row for a minute are not', () => {
    const paused = (until_ms: number, since_ms: number) => {
      const state = known([source(own), source(service(2n))])
      state.standings = new Map([
        [1n, standing({ paused_until: later(until_ms), paused_since: later(since_ms) })],
        [2n, standing()],
      ])
      return routerOf(state).first(own, 100n).provider_id
    }
    expect([paused(5_000, -1_000), paused(5_000, -60_000), paused(-5_000, -60_000)]).toEqual([1n, 2n, 2n])
    expect([paused(-10_001, -60_000), paused(10_001, 0)]).toEqual([1n, 2n])
  })
})

describe('never', () => {
  const GAPS: (OfferGap | null)[] = [null, null, null, 'vanished', 'unreadable', 'type_not_sold']
  const drawn = fc.record({
    cost_usd: fc.option(fc.bigInt(0n, 2_000_000n)),
    offer_gap: fc.constantFrom(...GAPS),
    offered_min: fc.bigInt(1n, 500n),
    span: fc.bigInt(0n, 1_000n),
    weight: fc.integer({ min: 1, max: 1_000 }),
    enabled: fc.boolean(),
    healthy: fc.boolean(),
    provider_on: fc.boolean(),
    paused_ms: fc.option(fc.integer({ min: -20_000, max: 100_000 })),
    quarantine_ms: fc.option(fc.integer({ min: -1_000, max: 1_000 })),
    tried: fc.boolean(),
  })

  type DrawnSource = typeof drawn extends fc.Arbitrary<infer T> ? T : never

  test('a source at a loss, switched off, in quarantine, tried, or that does not serve the quantity', () => {
    const usable = (each: DrawnSource, quantity: bigint) =>
      each.enabled &&
      each.offer_gap === null &&
      each.cost_usd !== null &&
      each.cost_usd <= order.rate &&
      each.offered_min <= quantity &&
      quantity <= each.offered_min + each.span &&
      each.provider_on &&
      (each.paused_ms === null || each.paused_ms <= 10_000) &&
      (each.quarantine_ms === null || each.quarantine_ms <= 0)
    fc.assert(
      fc.property(
        fc.array(drawn, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(...STRATEGIES),
        fc.bigInt(1n, 1_500n),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (draws, strategy, quantity, random) => {
          const rows = draws.map(({ cost_usd, offer_gap, offered_min, span }, i) =>
            service(BigInt(i + 1), {
              cost_usd,
              cost: cost_usd ?? 1n,
              offer_gap,
              offered_min,
              offered_max: offered_min + span,
            }),
          )
          const sources = draws.map((draw, i) => source(rows[i] as Service, draw))
          const state: Known = {
            ...known(sources, strategy),
            standings: new Map(
              draws.map(({ provider_on, paused_ms }, i) => [
                BigInt(i + 1),
                standing({
                  enabled: provider_on,
                  paused_until: paused_ms === null ? null : later(paused_ms),
                  paused_since: paused_ms === null ? null : NOW,
                }),
              ]),
            ),
            random: () => random,
          }
          const quarantines = draws.flatMap(({ quarantine_ms }, i) =>
            quarantine_ms === null ? [] : [inQuarantine(rows[i] as Service, later(quarantine_ms))],
          )
          state.routing = { ...state.routing, quarantines: new Map(quarantines.map((each) => [each.service_id, each])) }
          const router = routerOf(state)
          const good = draws.flatMap((draw, i) => (usable(draw, quantity) ? [i] : []))
          const at = (route: { provider_id: bigint } | undefined) => (route ? Number(route.provider_id) - 1 : undefined)

          const first = at(router.first(rows[0] as Service, quantity))
          if (good.length > 0) expect(good).toContain(first)
          const tried = new Set(rows.filter((_, i) => draws[i]?.tried).map(sourceName))
          const next = at(router.next({ ...order, quantity }, tried))
          const left = good.filter((i) => i !== 0 && !draws[i]?.tried)
          if (left.length === 0) expect(next).toBeUndefined()
          else expect(left).toContain(next)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('what is sold through several sources', () => {
  const sold = (row: Service, sources: Source[]) => soldThrough(row, { strategy: 'fixed', sources })
  const vanished = service(1n, { active: false, deactivated_reason: 'vanished', offer_gap: 'vanished' })

  test('stays on sale as long as one source sells it without a loss, at its own rate', () => {
    const other = service(2n, { cost_usd: 1_000_000n, staff_off: true, active: false })
    expect(sold(vanished, [source(vanished), source(other)])).toMatchObject({ active: true, rate: 1_000_000n })
    const dear = service(2n, { cost_usd: 1_000_001n })
    expect(sold(vanished, [source(vanished), source(dear)])).toMatchObject({
      active: false,
      deactivated_reason: 'vanished',
    })
    const below_cost = service(1n, { cost_usd: 1_000_001n, active: false, deactivated_reason: 'below_cost' })
    expect(sold(below_cost, [source(below_cost), source(other)]).active).toBe(true)
    expect(sold(below_cost, [source(below_cost), source(other, { enabled: false })]).active).toBe(false)
  })

  test('not when staff took it out', () => {
    const out = service(1n, { staff_off: true, active: false, deactivated_reason: 'staff' })
    expect(sold(out, [source(out), source(service(2n))]).active).toBe(false)
  })

  test('in the quantities that they serve without a gap, narrowed by staff', () => {
    const wide = service(2n, { offered_min: 1_001n, offered_max: 5_000n, min: 1_001n, max: 5_000n })
    const beyond = service(3n, { offered_min: 6_000n, offered_max: 9_000n })
    const sources = [source(own), source(wide), source(beyond)]
    expect(sold(own, sources)).toMatchObject({ min: 10n, max: 5_000n })
    expect(sold({ ...own, staff_min: 20n, staff_max: 3_000n }, sources)).toMatchObject({ min: 20n, max: 3_000n })
    expect(sold({ ...own, staff_min: 5_500n }, sources).active).toBe(false)
  })
})
