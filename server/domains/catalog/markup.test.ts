import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { type CostCurrency, costInUsd, type MarkupRule, markUp, RATE_STEP, USD_COST } from './markup.ts'

const NO_MARKUP: MarkupRule = { percent_bp: 0n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP }
const RUB: CostCurrency = { asset: 'RUB', scale: 6, usd_per_unit: 12_345_000_000n }
const VND: CostCurrency = { asset: 'VND', scale: 6, usd_per_unit: 39_370_000n }
const TON: CostCurrency = { asset: 'TON', scale: 9, usd_per_unit: 3_150_000_000_000n }

describe('the rate that a mark-up makes of a cost', () => {
  test.each<[string, bigint, CostCurrency, Partial<MarkupRule>, bigint]>([
    ['is the cost without a mark-up', 1_500_000n, USD_COST, {}, 1_500_000n],
    ['adds a percentage', 1_000_000n, USD_COST, { percent_bp: 2_500n }, 1_250_000n],
    [
      'adds a fixed amount after the percentage',
      1_000_000n,
      USD_COST,
      { percent_bp: 1_000n, fixed: 50_000n },
      1_150_000n,
    ],
    ['goes up to the fourth decimal', 900_001n, USD_COST, {}, 900_100n],
    ['stays when it ends at the fourth decimal', 900_100n, USD_COST, {}, 900_100n],
    ['does not make a cheap service many times dearer', 300n, USD_COST, { percent_bp: 1_000n }, 400n],
    [
      'keeps the minimum margin where the mark-up is less',
      10_000n,
      USD_COST,
      { percent_bp: 100n, minimum_margin: 20_000n },
      30_000n,
    ],
    [
      'leaves the minimum margin out where the mark-up is more',
      10_000_000n,
      USD_COST,
      { percent_bp: 100n, minimum_margin: 20_000n },
      10_100_000n,
    ],
    ['charges a margin on what costs nothing', 0n, USD_COST, { percent_bp: 5_000n, minimum_margin: 1n }, 100n],
    ['is nothing for nothing', 0n, USD_COST, { percent_bp: 5_000n }, 0n],
    ['converts roubles', 90_000_000n, RUB, { percent_bp: 1_000n }, 1_222_200n],
    ['converts an asset of nine decimals', 1_000_000_000n, TON, {}, 3_150_000n],
    ['rounds a fraction of a micro-dollar up', 1n, TON, {}, 100n],
    ['goes up to the step of the rule', 1_000_001n, USD_COST, { step: 10_000n }, 1_010_000n],
    ['keeps the digits of a currency of little worth', 1_000_000_000n, VND, {}, 39_400n],
    ['is exact beyond 2^53', 9_007_199_254_740_993n, USD_COST, { percent_bp: 10_000n }, 18_014_398_509_482_000n],
  ])('%s', (_title, cost, currency, rule, rate) => {
    expect(markUp(cost, currency, { ...NO_MARKUP, ...rule })).toBe(rate)
  })

  const amounts = fc.bigInt({ min: 0n, max: 10n ** 13n })
  const rules = fc.record({
    percent_bp: fc.bigInt({ min: 0n, max: 1_000_000n }),
    fixed: fc.bigInt({ min: 0n, max: 10n ** 9n }),
    minimum_margin: fc.bigInt({ min: 0n, max: 10n ** 9n }),
    step: fc.bigInt({ min: 1n, max: 10n ** 5n }).map((steps) => steps * RATE_STEP),
  })
  const currencies = fc.record({
    asset: fc.constant('XYZ'),
    scale: fc.integer({ min: 0, max: 18 }),
    usd_per_unit: fc.bigInt({ min: 1n, max: 10n ** 17n }),
  })

  test('is never below cost and margin, and less than one step above the exact figure', () => {
    fc.assert(
      fc.property(amounts, currencies, rules, (cost, currency, rule) => {
        const rate = markUp(cost, currency, rule)
        // Both sides multiplied by `unit`, so that the exact figure is a whole number.
        const unit = 10n ** BigInt(currency.scale) * 1_000_000n * 10_000n
        const exact_cost = cost * currency.usd_per_unit * 10_000n
        const margin = cost * currency.usd_per_unit * rule.percent_bp + rule.fixed * unit
        const least = rule.minimum_margin * unit
        const exact = exact_cost + (margin > least ? margin : least)
        expect(rate * unit >= exact).toBe(true)
        expect(rate * unit < exact + rule.step * unit).toBe(true)
        expect(rate % rule.step).toBe(0n)
        expect(rate >= costInUsd(cost, currency)).toBe(true)
      }),
    )
  })

  test('never falls when the cost rises', () => {
    fc.assert(
      fc.property(amounts, amounts, currencies, rules, (cost, rise, currency, rule) => {
        expect(markUp(cost + rise, currency, rule) >= markUp(cost, currency, rule)).toBe(true)
      }),
    )
  })

  test.each<[string, bigint, Partial<MarkupRule>]>([
    ['a cost below zero', -1n, {}],
    ['a percentage below zero', 1n, { percent_bp: -1n }],
    ['a fixed amount below zero', 1n, { fixed: -1n }],
    ['a margin below zero', 1n, { minimum_margin: -1n }],
    ['a mark-up above a hundredfold', 1n, { percent_bp: 1_000_001n }],
    ['a step of nothing', 1n, { step: 0n }],
    ['a step finer than rates are', 1n, { step: 50n }],
  ])('is not made of %s', (_title, cost, rule) => {
    expect(() => markUp(cost, USD_COST, { ...NO_MARKUP, ...rule })).toThrow(InvariantError)
  })
})
