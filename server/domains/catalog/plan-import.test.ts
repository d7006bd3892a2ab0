import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProviderService } from '#server/domains/providers/provider.ts'
import { RATE_STEP, USD_COST } from './markup.ts'
import { readOffer } from './offer.ts'
import { type Offer, planImport, sortOffer } from './plan-import.ts'
import type { Pricing } from './pricing.ts'
import { QUANTITY_MAX, RATE_MAX, type Service } from './service.ts'

const TENTH = { percent_bp: 1_000n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP }
const PRICING: Pricing = {
  findRule: () => TENTH,
  currencyOf: (asset) => (asset === 'USD' ? USD_COST : undefined),
}
const PANEL = { provider_id: 1n, asset: 'USD' }

const planOf = (current: readonly Service[], offer: Offer) =>
  planImport(current, sortOffer(offer), PANEL, PRICING, 'all')

function row(changes: Partial<ProviderService> = {}): ProviderService & { type: 'Default' } {
  return {
    provider_service_id: '7',
    name: 'Proofreading, per word',
    category: 'Texts',
    raw_type: 'Default',
    rate: 1_000_000n,
    min: 10n,
    max: 1_000n,
    refill: false,
    cancel: true,
    dripfeed: false,
    description: undefined,
    ...changes,
    type: 'Default',
  }
}

describe('a row of a provider’s list', () => {
  test.each<[string, Partial<ProviderService>, Record<string, unknown>]>([
    ['takes a minimum of 0 as 1', { min: 0n }, { min: 1n }],
    ['cuts a maximum that is out of all reason', { max: 10n ** 15n }, { max: QUANTITY_MAX }],
    ['loses NUL and other control characters', { name: ' a\u0000b\u0007 ' }, { name: 'a b' }],
    ['loses halves of surrogate pairs', { name: 'a\ud83d' }, { name: 'a\ufffd' }],
    ['is cut by characters and not by halves of them', { name: '😀'.repeat(600) }, { name: '😀'.repeat(500) }],
    ['without a category is under Other', { category: '  ' }, { category: 'Other' }],
    ['keeps the paragraphs of a description', { description: 'a\nb' }, { description: 'a\nb' }],
    ['has no empty description', { description: ' ' }, { description: null }],
    ['may cost nothing', { rate: 0n }, { cost: 0n }],
  ])('%s', (_title, changes, expected) => {
    expect(readOffer(row(changes))).toMatchObject(expected)
  })

  test.each<[string, Partial<ProviderService>]>([
    ['without a name', { name: ' \u0000 ' }],
    ['with a rate below zero', { rate: -1n }],
    ['with a minimum below zero', { min: -5n }],
    ['with a minimum above its maximum', { min: 11n, max: 10n }],
    ['with a maximum of zero', { min: 0n, max: 0n }],
    ['with a minimum above what we take', { min: QUANTITY_MAX + 1n, max: QUANTITY_MAX + 2n }],
  ])('%s is not readable', (_title, changes) => {
    expect(readOffer(row(changes))).toBeUndefined()
  })
})

describe('the plan of an import', () => {
  test('counts each row of the list once, whatever the list is', () => {
    const ids = fc.constantFrom('1', '2', '3', '4', '', 'x'.repeat(101), 'a\u0000')
    const rows = fc.array(
      fc.record({
        provider_service_id: ids,
        type: fc.constantFrom('Default' as const, undefined),
        rate: fc.bigInt({ min: -2n, max: 10n }),
        min: fc.bigInt({ min: -2n, max: 10n }),
      }),
    )
    fc.assert(
      fc.property(rows, rows, fc.nat(5), (first, second, unreadable) => {
        const before = planOf([], { services: first.map(offered), unreadable: 0 })
        const current = before.create.map((each, i) => stored(BigInt(i + 1), each))
        const { report, change, create } = planOf(current, {
          services: second.map(offered),
          unreadable,
        })
        const gone = change.filter(({ after }) => !after.active).length
        expect(report.created).toBe(create.length)
        expect(report.deactivated).toBe(gone)
        expect(report.updated + report.deactivated).toBe(change.length)
        expect(report.updated + report.unchanged + gone).toBe(current.length)
        expect(report.created + report.updated + report.unchanged + report.skipped + report.unreadable).toBe(
          second.length + unreadable,
        )
        for (const { after } of change) expect(after.active).toBe(after.deactivated_reason === null)
      }),
    )
  })

  test('takes the first of two rows with one id', () => {
    const services = [row({ rate: 5_000_000n }), row({ rate: 1n })]
    const { create, report } = planOf([], { services, unreadable: 0 })
    expect(create.map((each) => each.cost)).toEqual([5_000_000n])
    expect(report).toMatchObject({ created: 1, unreadable: 1 })
  })

  test('creates nothing that costs beyond all reason', () => {
    const services = [row({ rate: RATE_MAX }), row({ provider_service_id: '8' })]
    const { create, report } = planOf([], { services, unreadable: 0 })
    expect(create).toMatchObject([
      { provider_service_id: '8', cost: 1_000_000n, cost_usd: 1_000_000n, rate: 1_100_000n },
    ])
    expect(report).toMatchObject({ created: 1, unreadable: 1 })
  })

  test('creates nothing that nobody can price', () => {
    const foreign = { provider_id: 1n, asset: 'RUB' }
    const { create } = planImport([], sortOffer({ services: [row()], unreadable: 0 }), foreign, PRICING, 'all')
    expect(create).toEqual([])
  })
})

function offered(changes: Partial<ProviderService>): ProviderService {
  return { ...row(changes), type: changes.type }
}

function stored(id: bigint, offer: ReturnType<typeof planImport>['create'][number]): Service {
  return {
    ...offer,
    id,
    provider_id: 1n,
    cost_asset: 'USD',
    active: true,
    deactivated_reason: null,
    offered_rate: offer.rate,
    offered_min: offer.min,
    offered_max: offer.max,
    offer_gap: null,
    staff_rate: null,
    staff_category: null,
    staff_min: null,
    staff_max: null,
    duplicate_links: 'allow',
    staff_off: false,
    position: 0,
    version: 1n,
  }
}
