import { expect, test } from 'vitest'
import { type HourOfUse, suspicionOf } from './suspicion.ts'
import type { SuspicionRules } from './suspicion-settings.ts'

const RULES: SuspicionRules = {
  orders: { on: true, floor: 100, times: 10 },
  spending: { on: true, floor: 1_000n, times: 5 },
  refusals: { on: true, floor: 50, percent: 90 },
  foreign_requests: { on: true, floor: 30 },
  networks: { on: true, floor: 8, times: 3 },
}

const QUIET: HourOfUse = {
  orders: 0n,
  spent: 0n,
  orders_refused: 0n,
  foreign_requests: 0n,
  networks: 1,
  usual_orders: 0n,
  usual_spent: 0n,
  usual_networks: 0,
}

test.each<[string, Partial<HourOfUse>, ReturnType<typeof suspicionOf>]>([
  ['nothing', {}, undefined],
  // A new key has no usual: the floor alone.
  ['a new key at the floor', { orders: 100n }, undefined],
  ['a new key above it', { orders: 101n }, { rule: 'orders', found: 101n, most: 100n, usual: 0n }],
  // A small shop stays free below the floor, whatever times its usual that is.
  ['a small shop with fifty times its usual', { orders: 100n, usual_orders: 2n }, undefined],
  ['a large shop at ten times its usual', { orders: 900n, usual_orders: 90n }, undefined],
  ['a large shop above', { orders: 901n, usual_orders: 90n }, { rule: 'orders', found: 901n, most: 900n, usual: 90n }],
  ['spending at the floor', { spent: 1_000n }, undefined],
  [
    'spending above',
    { spent: 1_001n, usual_spent: 200n },
    { rule: 'spending', found: 1_001n, most: 1_000n, usual: 200n },
  ],
  ['spending that is usual', { spent: 5_000n, usual_spent: 1_000n }, undefined],
  ['few refusals, and nothing else', { orders_refused: 50n }, undefined],
  ['many refusals, and nothing else', { orders_refused: 51n }, { rule: 'refusals', found: 51n, most: 50n }],
  ['many refusals beside more orders', { orders_refused: 60n, orders: 7n }, undefined],
  ['at just the share', { orders_refused: 90n, orders: 10n }, { rule: 'refusals', found: 90n, most: 50n }],
  ['some from elsewhere', { foreign_requests: 30n }, undefined],
  ['many from elsewhere', { foreign_requests: 31n }, { rule: 'foreign_requests', found: 31n, most: 30n }],
  ['some networks', { networks: 8 }, undefined],
  ['many networks', { networks: 9 }, { rule: 'networks', found: 9n, most: 8n, usual: 0n }],
  ['as many networks as usual', { networks: 12, usual_networks: 4 }, undefined],
  ['the first of several', { networks: 99, orders: 999n }, { rule: 'orders', found: 999n, most: 100n, usual: 0n }],
])('%s', (_, use, expected) => {
  expect(suspicionOf({ ...QUIET, ...use }, RULES)).toEqual(expected)
})

test('a rule that is off is broken by nothing', () => {
  const all = { orders: 9_999n, spent: 99_999n, orders_refused: 999_999n, foreign_requests: 9_999n, networks: 999 }
  const rules = Object.fromEntries(Object.entries(RULES).map(([name, rule]) => [name, { ...rule, on: false }]))
  expect(suspicionOf({ ...QUIET, ...all }, rules as SuspicionRules)).toBeUndefined()
  for (const name of Object.keys(RULES) as (keyof SuspicionRules)[]) {
    const one = { ...rules, [name]: RULES[name] } as SuspicionRules
    const alone = name === 'refusals' ? { ...all, orders: 0n } : all
    expect(suspicionOf({ ...QUIET, ...alone }, one)).toMatchObject({ rule: name })
  }
})
