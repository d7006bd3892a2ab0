import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dearest, findPlanRate, type PlanTerm, type PlanTerms } from './price-plan.ts'

const plan = (changes: Partial<PlanTerms> = {}): PlanTerms => ({
  name: 'Resellers',
  discount_bp: 1_000n,
  below_margin: false,
  terms: [],
  ...changes,
})
const service = { id: 5n, category: 'Texts', rate: 1_000_000n, cost_usd: 500_000n }

test.each<[string, Partial<PlanTerms>, bigint, boolean]>([
  ['its discount', {}, 900_000n, false],
  ['no discount', { discount_bp: 0n }, 1_000_000n, false],
  ['a discount that ends within a step, rounded up', { discount_bp: 3_333n }, 666_700n, false],
  ['the discount of the category', { terms: [{ category: 'Texts', discount_bp: 2_000n }] }, 800_000n, false],
  ['none for another category', { terms: [{ category: 'Captions', discount_bp: 2_000n }] }, 900_000n, false],
  [
    'the rate of the service, before its category',
    {
      terms: [
        { category: 'Texts', discount_bp: 2_000n },
        { service_id: 5n, rate: 777_700n },
      ],
    },
    777_700n,
    false,
  ],
  ['the discount of the service', { terms: [{ service_id: 5n, discount_bp: 4_000n }] }, 600_000n, false],
  ['a rate above the list', { terms: [{ service_id: 5n, rate: 1_500_000n }] }, 1_500_000n, false],
  ['cost and least margin, where it would be less', { discount_bp: 9_000n }, 550_000n, true],
  ['that for a rate too', { terms: [{ service_id: 5n, rate: 1n }] }, 550_000n, true],
  ['the cost, where it may do without margin', { discount_bp: 9_000n, below_margin: true }, 500_000n, true],
  ['all but the cost for a discount of everything', { discount_bp: 10_000n, below_margin: true }, 500_000n, true],
])('a service is charged by %s', (_, changes, rate, limited) => {
  expect(findPlanRate(plan(changes))(service, 50_000n)).toEqual({ rate, limited })
})

test('a list below the least margin is not made dearer by it', () => {
  expect(findPlanRate(plan())({ ...service, rate: 520_000n }, 50_000n)).toEqual({ rate: 520_000n, limited: true })
})

test('of several sources the dearest that sells at the rate of the list counts, so that a plan leaves all of them', () => {
  const source = (cost_usd: bigint, enabled = true) => ({ service: { cost_usd, offer_gap: null }, enabled })
  const sources = [source(500_000n), source(800_000n), source(1_200_000n), source(900_000n, false)]
  const sourcings = new Map([[5n, { strategy: 'cheapest', sources }]]) as unknown as Parameters<
    typeof dearest
  >[1]['sourcings']
  const costing = dearest(service, { sourcings })
  expect(costing.cost_usd).toBe(800_000n)
  expect(findPlanRate(plan({ discount_bp: 4_000n }))(costing, 50_000n)).toEqual({ rate: 850_000n, limited: true })
  expect(dearest({ ...service, id: 6n }, { sourcings }).cost_usd).toBe(500_000n)
})

test('whatever the plan, nothing is sold below its cost with the margin, nor by a discount above the list', () => {
  const bp = fc.bigInt(0n, 10_000n)
  const micro = fc.bigInt(0n, 10n ** 12n)
  const terms = fc.array(
    fc.oneof(
      fc.record({ service_id: fc.constant(5n), discount_bp: bp }),
      fc.record({ category: fc.constant('Texts'), discount_bp: bp }),
    ),
    { maxLength: 2 },
  ) as fc.Arbitrary<PlanTerm[]>
  fc.assert(
    fc.property(
      bp,
      fc.boolean(),
      terms,
      micro,
      micro,
      micro,
      (discount_bp, below_margin, terms, cost, over, margin) => {
        const listed = { ...service, cost_usd: cost, rate: ((cost + over) / 100n + 1n) * 100n }
        const { rate } = findPlanRate(plan({ discount_bp, below_margin, terms }))(listed, margin)
        const floor = cost + (below_margin ? 0n : margin)
        expect(rate).toBeLessThanOrEqual(listed.rate)
        expect(rate).toBeGreaterThanOrEqual(floor < listed.rate ? floor : listed.rate)
        expect(rate % 100n).toBe(0n)
      },
    ),
  )
})
