import { z } from 'zod'
import { saleAmount } from '#server/domains/catalog/sale-amount.ts'
import { formatAmount } from '#server/kit/money.ts'
import { costOf, deskDetailShape, deskOrderShape, deskOrderView } from '../desk/desk-views.ts'
import type { DeskOrder } from '../desk/list-orders.ts'
import { judgeBalance, type Surroundings } from './judge-case.ts'
import type { ListedCase, Waiting } from './list-cases.ts'
import { FINDINGS, type UnknownCase } from './unknown-case.ts'

// What staff see of orders of unknown fate: what is known, what was found, and what speaks for each choice.

const amount = z.string().meta({ example: '0.90' })
const moment = z.iso.datetime().nullable()

const caseShape = z.object({
  attempt: z.object({
    number: z.int(),
    sent_at: z.iso.datetime(),
    ended_at: moment,
    code: z.string().nullable().meta({ description: 'How it ended.', example: 'timeout' }),
    message: z.string().nullable(),
    repeats: z.int().meta({ description: 'How often the same was sent again under its key.' }),
  }),
  opened_at: z.iso.datetime(),
  looked: z.int().meta({ description: 'How often was looked for a proof.' }),
  looked_at: moment,
  next_look_at: moment.meta({ description: 'Null: only people look.' }),
  finding: z
    .enum(FINDINGS)
    .nullable()
    .meta({ description: 'What the last look found: why nothing is proven yet.', example: 'no_list' }),
})

export const listedCaseShape = deskOrderShape.extend({
  case: caseShape.nullable().meta({ description: 'Null for the seconds until a worker comes to it.' }),
})

/** An order of unknown fate in a list. */
export function listedCaseView({ order, unknown }: ListedCase): z.output<typeof listedCaseShape> {
  return { ...deskOrderView(order), case: unknown ? caseView(unknown) : null }
}

function caseView({ attempt, ...unknown }: UnknownCase): z.output<typeof caseShape> {
  const { number, started_at, ended_at, code, message, repeats } = attempt
  return {
    attempt: {
      ...{ number, code, message, repeats },
      sent_at: started_at.toISOString(),
      ended_at: ended_at?.toISOString() ?? null,
    },
    opened_at: unknown.opened_at.toISOString(),
    looked: unknown.tries,
    looked_at: unknown.tried_at?.toISOString() ?? null,
    next_look_at: unknown.next_try_at?.toISOString() ?? null,
    finding: unknown.finding,
  }
}

export const waitingShape = z.object({
  orders: z.int().meta({ description: 'How many pass the filter.', example: 3 }),
  oldest_waiting_since: moment,
  charges: z
    .array(z.object({ currency: z.string(), amount }))
    .meta({ description: 'Customers’ money that is held for them.' }),
  costs: z
    .array(z.object({ currency: z.string(), amount }))
    .meta({ description: 'What they cost if they were placed.' }),
})

/** What waits in all. */
export function waitingView(sums: readonly Waiting[]): z.output<typeof waitingShape> {
  const oldest = sums.map((sum) => sum.oldest.getTime())
  return {
    orders: sums.reduce((all, { orders }) => all + orders, 0),
    oldest_waiting_since: oldest.length === 0 ? null : new Date(Math.min(...oldest)).toISOString(),
    charges: Array.from(
      Map.groupBy(sums, ({ asset }) => asset),
      ([currency, same]) => ({
        currency,
        amount: saleAmount(same.reduce((all, { charge }) => all + charge, 0n)),
      }),
    ),
    costs: Array.from(
      Map.groupBy(sums, ({ cost_asset }) => cost_asset),
      ([currency, same]) => {
        const scale = same[0]?.cost_scale ?? 0
        const cost = same.reduce((all, { cost }) => all + cost, 0n)
        return { currency, amount: formatAmount(cost, scale, Math.min(2, scale)) }
      },
    ),
  }
}

const candidateShape = z.object({
  provider_order_id: z.string().meta({ example: '990017' }),
  link: z.string(),
  quantity: z.string().nullable(),
  created_at: z.iso.datetime(),
  charge: amount.nullable(),
  same: z.boolean().meta({ description: 'Whether link and quantity are those of the order.' }),
})

const evidenceShape = z.object({
  balance: z
    .object({
      before: amount.nullable().meta({ description: 'Our balance with the provider as last read before it was sent.' }),
      before_at: moment,
      after: amount.nullable().meta({ description: 'The first that could be read after.' }),
      after_at: moment,
      others: z.int().meta({ description: 'Other orders that were under way with the provider in between.' }),
      others_cost: amount.meta({ description: 'What these cost, as far as it is known.' }),
      undecided: z.int().meta({ description: 'Those of them of which it is not known.' }),
      open_orders: z
        .boolean()
        .meta({ description: 'Whether orders stood open there, whose refunds may be in the figures.' }),
      expected_cost: amount,
      verdict: z.enum(['as_if_placed', 'as_if_not_placed', 'unclear', 'unread']),
    })
    .meta({ description: 'Never a proof: refunds, payments to the provider and late charges move a balance too.' }),
  list: z
    .object({
      read_at: z.iso.datetime(),
      from: z.iso.datetime(),
      to: z.iso.datetime(),
      listed: z.int(),
      complete: z.boolean(),
      clock_ahead_ms: z.number().nullable(),
      candidates: z.array(candidateShape),
    })
    .nullable()
    .meta({
      description:
        'What the provider’s own list says, where it has one: its orders of that service and time that none of ours is known to be.',
    }),
  list_error: z.string().nullable(),
  rivals: z.int().meta({ description: 'Other orders of unknown fate that a candidate may be as well.' }),
  duplicate_refusals: z.int().meta({
    description:
      'Later orders that the provider refused as their link was in use, while no other of ours is known to be open on it.',
  }),
})

const choiceShape = z.object({
  kind: z.enum(['placed', 'resend', 'refund']),
  provider_order_id: z.string().nullable().meta({ description: 'Null where people must find it out.' }),
  evidence: z.enum(['for', 'against', 'none']).meta({ description: 'What the evidence says about that choice.' }),
})

export const caseDetailShape = z.object({
  order: deskDetailShape,
  case: caseShape.nullable(),
  evidence: evidenceShape.nullable(),
  choices: z.array(choiceShape).meta({ description: 'For `POST …/orders/{id}/resolve`.' }),
})

type EvidenceView = z.output<typeof evidenceShape>

/** What is known about one case: the surroundings as they are now, the list as it was read last. */
export function caseDetailView(
  order: DeskOrder,
  detail: z.output<typeof deskDetailShape>,
  unknown: UnknownCase | undefined,
  around: Surroundings | undefined,
): z.output<typeof caseDetailShape> {
  if (!unknown || !around) return { order: detail, case: null, evidence: null, choices: choicesOf(null) }
  const evidence = evidenceView(order, unknown, around)
  return { order: detail, case: caseView(unknown), evidence, choices: choicesOf(evidence) }
}

function evidenceView(order: DeskOrder, unknown: UnknownCase, around: Surroundings): EvidenceView {
  const cost = (minor: string | null) => (minor === null ? null : costOf(order, BigInt(minor)))
  const balance = judgeBalance(unknown, around)
  const { list = null, list_error = null } = unknown.evidence ?? {}
  return {
    balance: {
      ...balance,
      before: cost(balance.before),
      before_at: unknown.attempt.provider_balance_at?.toISOString() ?? null,
      after: cost(balance.after),
      after_at: unknown.balance_after_at?.toISOString() ?? null,
      others_cost: costOf(order, around.others_cost),
      expected_cost: costOf(order, order.expected_cost),
    },
    list: list && {
      ...list,
      candidates: list.candidates.map((candidate) => ({ ...candidate, charge: cost(candidate.charge) })),
    },
    list_error,
    rivals: around.rivals,
    duplicate_refusals: around.duplicate_refusals,
  }
}

/** The choices of staff, each with what speaks for or against it. Pure. */
function choicesOf(evidence: EvidenceView | null): z.output<typeof choiceShape>[] {
  const candidates = evidence?.list?.candidates.filter(({ same }) => same) ?? []
  const placed = spokenFor(evidence, candidates.length > 0)
  const not_placed = placed === 'none' ? 'none' : placed === 'for' ? 'against' : 'for'
  return [
    ...candidates.map(({ provider_order_id }) => ({ kind: 'placed' as const, provider_order_id, evidence: placed })),
    { kind: 'placed', provider_order_id: null, evidence: placed },
    { kind: 'resend', provider_order_id: null, evidence: not_placed },
    { kind: 'refund', provider_order_id: null, evidence: not_placed },
  ]
}

function spokenFor(evidence: EvidenceView | null, found: boolean): 'for' | 'against' | 'none' {
  if (!evidence) return 'none'
  const { balance, list, duplicate_refusals } = evidence
  if (found || duplicate_refusals > 0 || balance.verdict === 'as_if_placed') return 'for'
  const missing = list?.complete === true && list.candidates.length === 0
  return missing || balance.verdict === 'as_if_not_placed' ? 'against' : 'none'
}
