import { describe, expect, test } from 'vitest'
import type { ListedOrder, OrderList } from '#server/domains/providers/provider.ts'
import { orderRow } from '#test/support/order-row.ts'
import { judgeBalance, judgeCase, judgeList, type Surroundings } from './judge-case.ts'
import type { CaseEvidence, UnknownCase } from './unknown-case.ts'

const STARTED = new Date('2026-01-01T12:00:00Z')
const minutes = (n: number) => new Date(STARTED.getTime() + n * 60_000)
const NOW = minutes(6)

const ALONE: Surroundings = {
  others: 0,
  undecided: 0,
  others_cost: 0n,
  open_orders: false,
  rivals: 0,
  duplicate_refusals: 0,
}

const unknown = (changes: Partial<UnknownCase> = {}, attempt: Partial<UnknownCase['attempt']> = {}): UnknownCase => ({
  order: orderRow({ state: 'unknown', provider_order_id: null, expected_cost: 500n, link: 'https://example.com/a' }),
  attempt: {
    key: 'k',
    number: 1,
    provider_id: 3n,
    provider_service_id: '101',
    code: 'timeout',
    message: null,
    provider_balance: 10_000n,
    provider_balance_at: STARTED,
    idempotency: 'none',
    repeats: 0,
    started_at: STARTED,
    ended_at: STARTED,
    ...attempt,
  },
  opened_at: STARTED,
  balance_after: 10_000n,
  balance_after_at: NOW,
  tries: 1,
  tried_at: NOW,
  next_try_at: NOW,
  finding: null,
  evidence: null,
  ...changes,
})

describe('the balance', () => {
  test.each<[string, bigint | null, Partial<Surroundings>, string]>([
    ['fell by the cost', 9_500n, {}, 'as_if_placed'],
    ['did not move', 10_000n, {}, 'as_if_not_placed'],
    ['fell by the cost of others', 9_700n, { others: 2, others_cost: 300n }, 'as_if_not_placed'],
    ['fell by that and the cost', 9_200n, { others: 2, others_cost: 300n }, 'as_if_placed'],
    ['fell by something else', 9_600n, {}, 'unclear'],
    ['rose', 10_100n, {}, 'unclear'],
    ['did not move, with another order under way', 10_000n, { others: 1, undecided: 1 }, 'unclear'],
    ['was not read after', null, {}, 'unread'],
  ])('that %s', (_, after, around, verdict) => {
    expect(judgeBalance(unknown({ balance_after: after }), { ...ALONE, ...around })).toMatchObject({ verdict })
  })

  test('of which it is not known when it was read before, or for an order without cost, says nothing', () => {
    expect(judgeBalance(unknown({}, { provider_balance_at: null }), ALONE).verdict).toBe('unread')
    const free = unknown({ order: orderRow({ state: 'unknown', expected_cost: 0n }) })
    expect(judgeBalance(free, ALONE).verdict).toBe('unclear')
  })
})

const listed = (changes: Partial<ListedOrder> = {}): ListedOrder => ({
  provider_order_id: '77',
  provider_service_id: '101',
  link: 'https://example.com/a',
  quantity: 1_000n,
  created_at: minutes(0.5),
  charge: undefined,
  ...changes,
})

const judged = (orders: ListedOrder[], more: Partial<OrderList> = {}, claimed: string[] = []) =>
  judgeList(unknown(), { orders, complete: true, now: NOW, ...more }, new Set(claimed), NOW)

describe('the list', () => {
  test('has candidates where nobody knows the number, those alike first', () => {
    const orders = [
      listed({ provider_order_id: '75', link: 'https://example.com/other' }),
      listed({ provider_order_id: '76', quantity: undefined }),
      listed(),
      listed({ provider_order_id: '78' }),
    ]
    const { candidates, listed: n } = judged(orders, {}, ['78'])
    expect(n).toBe(4)
    expect(candidates.map(({ provider_order_id, same }) => [provider_order_id, same])).toEqual([
      ['77', true],
      ['75', false],
      ['76', false],
    ])
  })

  test.each<[string, Partial<ListedOrder>]>([
    ['another service', { provider_service_id: '102' }],
    ['a time before the attempt', { created_at: minutes(-2) }],
    ['a time long after it', { created_at: minutes(20) }],
  ])('leaves out %s', (_, change) => {
    expect(judged([listed(change)])).toMatchObject({ listed: 0, candidates: [] })
  })
})

describe('what is proven', () => {
  const grounds = (list: CaseEvidence['list'], more: Partial<CaseEvidence> = {}): CaseEvidence => ({
    balance: judgeBalance(unknown(), ALONE),
    rivals: 0,
    duplicate_refusals: 0,
    list,
    ...more,
  })
  const of = (evidence: CaseEvidence, changes: Partial<UnknownCase['attempt']> = {}) =>
    judgeCase(unknown({}, changes), evidence, NOW)

  test('by one candidate: placed; by none once all has settled: not placed', () => {
    expect(of(grounds(judged([listed()])))).toBe('placed')
    expect(of(grounds(judged([])))).toBe('not_placed')
  })

  test('is nothing by the balance alone, whatever it says', () => {
    for (const verdict of ['as_if_placed', 'as_if_not_placed'] as const) {
      const balance = { ...judgeBalance(unknown(), ALONE), verdict }
      expect(of(grounds(undefined, { balance }))).toBe('no_list')
    }
  })

  const fallen = { balance: { ...judgeBalance(unknown(), ALONE), verdict: 'as_if_placed' as const } }
  test.each<[string, CaseEvidence, string]>([
    ['several alike', grounds(judged([listed(), listed({ provider_order_id: '78' })])), 'several_candidates'],
    ['one that may be another of ours', grounds(judged([listed()]), { rivals: 1 }), 'shared_candidate'],
    ['only one unlike', grounds(judged([listed({ link: 'https://example.com/a/' })])), 'unlike_orders'],
    ['a list that is not complete', grounds(judged([], { complete: false })), 'list_incomplete'],
    ['one found in a list that is not complete', grounds(judged([listed()], { complete: false })), 'list_incomplete'],
    ['a clock that is not told', grounds(judged([], { now: undefined })), 'clock_differs'],
    ['a clock far ahead', grounds(judged([listed()], { now: minutes(8) })), 'clock_differs'],
    ['a clock far behind', grounds(judged([], { now: minutes(4) })), 'clock_differs'],
    ['a list that could not be read', grounds(undefined, { list_error: 'timeout' }), 'list_unavailable'],
    ['none, and the balance says otherwise', grounds(judged([]), fallen), 'balance_contradicts'],
    ['none, and the link is refused as taken', grounds(judged([]), { duplicate_refusals: 1 }), 'duplicate_refused'],
  ])('is nothing by %s', (_, evidence, finding) => {
    expect(of(evidence)).toBe(finding)
  })

  test('is nothing by none as long as the request may be worked on', () => {
    expect(of(grounds(judged([])), { ended_at: minutes(2) })).toBe('too_early')
    expect(of(grounds(judged([])), { ended_at: null })).toBe('too_early')
  })
})
