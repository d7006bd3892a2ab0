import { z } from 'zod'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import { type MarkupRule, PERCENT_BP_MAX, RATE_STEP } from '../markup.ts'
import { SALE_SCALE, saleAmount } from '../sale-amount.ts'
import { RATE_MAX, type Service } from '../service.ts'
import type { Repricing } from './change-markup.ts'
import { type MarkupScope, type StoredRule, scopeOf } from './markup-rule.ts'

/** Services shown of a preview or a change; the counts are of all. */
const SHOWN_MAX = 100

/** Rounding to more than a thousand dollars is a slip of the pen. */
const STEP_MAX = 1_000_000_000n

const DECIMAL = /^\d{1,12}(\.\d{1,6})?$/
const amount = z.string().regex(DECIMAL, 'must be a decimal such as 0.05, with up to six decimals')

/** The figures of a rule as they come in. */
export const ruleBody = z.strictObject({
  percent: z
    .string()
    .regex(/^\d{1,5}(\.\d{1,2})?$/, 'must be a percentage such as 30 or 12.5, with up to two decimals')
    .meta({ description: 'On top of the cost.', example: '30' }),
  fixed: amount.default('0').meta({ description: 'USD on top, per 1000 or package.', example: '0.05' }),
  minimum_margin: amount
    .default('0')
    .meta({ description: 'The least that a rate exceeds its cost by: USD per 1000 or package.', example: '0.01' }),
  step: amount
    .default('0.0001')
    .meta({ description: 'Rates are rounded up to whole multiples of it, itself one of 0.0001.', example: '0.01' }),
})

const id = idText()

/** What a rule prices, as it comes in: at most one of the three. */
export const scopeBody = z.strictObject({
  service_id: id.optional().meta({ example: '5' }),
  category: z.string().trim().min(1).max(200).optional().meta({ example: 'Translation' }),
  provider_id: id.optional().meta({ example: '1' }),
})

/** A rule as it is shown. */
export const ruleShape = z.object({
  id: z.string().meta({ example: '3' }),
  prices: z
    .enum(['service', 'category', 'provider', 'house'])
    .meta({ description: 'The first of these that has a rule decides.' }),
  service_id: z.string().nullable(),
  category: z.string().nullable(),
  provider_id: z.string().nullable().meta({ example: '1' }),
  percent: z.string().meta({ example: '30.00' }),
  fixed: z.string().meta({ example: '0.05' }),
  minimum_margin: z.string().meta({ example: '0.01' }),
  step: z.string().meta({ example: '0.01' }),
  updated_at: z.iso.datetime(),
  updated_by: z.string().nullable().meta({ description: 'Null: at the terminal.', example: '4' }),
})

const sideShape = z.object({
  rate: z.string().meta({ description: 'USD per 1000 or package.', example: '1.30' }),
  margin: z
    .string()
    .nullable()
    .meta({ description: 'Rate less cost, in USD; null while the cost is not known in dollars.', example: '0.30' }),
  sold: z.boolean(),
  reason: z.string().nullable().meta({ description: 'Why it is not sold.', example: 'below_cost' }),
})

/** What a change of prices does. */
export const repricingShape = z.object({
  revision: z.string().meta({
    description:
      'Of the catalogue that it was made from. Sent along with the change, it makes sure that nothing has moved since.',
    example: '17',
  }),
  changed: z.number().int().meta({ example: 12 }),
  dearer: z.number().int(),
  cheaper: z.number().int(),
  no_longer_sold: z.number().int(),
  sold_again: z.number().int(),
  data: z
    .array(z.object({ service_id: z.string(), name: z.string(), before: sideShape, after: sideShape }))
    .meta({ description: `The first ${SHOWN_MAX} of them, by id.` }),
})

/** Reads the figures of a rule. Throws InvalidRequestError naming the field. */
export function readRule(body: z.output<typeof ruleBody>): MarkupRule {
  const percent_bp = parseAmount(body.percent, 2) ?? -1n
  const [fixed, minimum_margin, step] = [body.fixed, body.minimum_margin, body.step].map(
    (text) => parseAmount(text, SALE_SCALE) ?? -1n,
  ) as [bigint, bigint, bigint]
  const most = saleAmount(RATE_MAX)
  const wrong = [
    { field: 'percent', is: percent_bp > PERCENT_BP_MAX, reason: 'must be at most 10000' },
    { field: 'fixed', is: fixed > RATE_MAX, reason: `must be at most ${most}` },
    { field: 'minimum_margin', is: minimum_margin > RATE_MAX, reason: `must be at most ${most}` },
    { field: 'step', is: step < RATE_STEP || step % RATE_STEP !== 0n, reason: 'must be a multiple of 0.0001' },
    { field: 'step', is: step > STEP_MAX, reason: 'must be at most 1000' },
  ].filter(({ is }) => is)
  if (wrong.length > 0) throw new InvalidRequestError(wrong.map(({ field, reason }) => ({ field, reason })))
  return { percent_bp, fixed, minimum_margin, step }
}

/** Reads what a rule prices: the house where nothing is named. Throws InvalidRequestError when more than one thing is. */
export function readScope({ service_id, category, provider_id }: z.output<typeof scopeBody>): MarkupScope {
  const named = Object.entries({ service_id, category, provider_id }).filter(([, value]) => value !== undefined)
  if (named.length > 1) {
    const reason = 'must stand alone: a rule prices one service, one category, one provider, or the house'
    throw new InvalidRequestError(named.slice(1).map(([field]) => ({ field, reason })))
  }
  if (service_id !== undefined) return { of: 'service', service_id: BigInt(service_id) }
  if (category !== undefined) return { of: 'category', category }
  if (provider_id !== undefined) return { of: 'provider', provider_id: BigInt(provider_id) }
  return { of: 'house' }
}

/** A rule for those who look. */
export function ruleView(rule: StoredRule): z.output<typeof ruleShape> {
  const { service_id, category, provider_id, updated_by } = rule
  return {
    id: String(rule.id),
    prices: scopeOf(rule).of,
    service_id: service_id === null ? null : String(service_id),
    category,
    provider_id: provider_id === null ? null : String(provider_id),
    percent: formatAmount(rule.percent_bp, 2, 2),
    fixed: saleAmount(rule.fixed),
    minimum_margin: saleAmount(rule.minimum_margin),
    step: saleAmount(rule.step),
    updated_at: rule.updated_at.toISOString(),
    updated_by: updated_by === null ? null : String(updated_by),
  }
}

/** What a change does, for those who look. */
export function repricingView({ changes, revision }: Repricing): z.output<typeof repricingShape> {
  const count = (holds: (before: Service, after: Service) => boolean) =>
    changes.filter(({ before, after }) => holds(before, after)).length
  return {
    revision: String(revision),
    changed: changes.length,
    dearer: count((before, after) => after.rate > before.rate),
    cheaper: count((before, after) => after.rate < before.rate),
    no_longer_sold: count((before, after) => before.active && !after.active),
    sold_again: count((before, after) => !before.active && after.active),
    data: changes.slice(0, SHOWN_MAX).map(({ before, after }) => ({
      service_id: String(after.id),
      name: after.name,
      before: sideView(before),
      after: sideView(after),
    })),
  }
}

function sideView({ rate, cost_usd, active, deactivated_reason }: Service): z.output<typeof sideShape> {
  return {
    rate: saleAmount(rate),
    margin: cost_usd === null ? null : saleAmount(rate - cost_usd),
    sold: active,
    reason: deactivated_reason,
  }
}
