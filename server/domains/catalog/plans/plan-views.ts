import { z } from 'zod'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import { SALE_SCALE, saleAmount } from '../sale-amount.ts'
import { RATE_MAX } from '../service.ts'
import type { PlanPreview } from './preview-plan.ts'
import { DISCOUNT_BP_MAX, PLAN_TERMS_MAX, type PlanTerm, type PlanTerms, type PricePlan } from './price-plan.ts'
import type { CountedPlan, PlanChange } from './queries.ts'

/** Services shown of a preview; the counts are of all. */
const SHOWN_MAX = 100

const percent = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,2})?$/, 'must be a percentage such as 10 or 12.5, with up to two decimals')
  .meta({ example: '10' })
const amount = z.string().regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be a decimal such as 0.05, with up to six decimals')

const termBody = z.strictObject({
  service_id: idText().optional().meta({ example: '5' }),
  category: z.string().trim().min(1).max(200).optional().meta({ example: 'Translation' }),
  rate: amount.optional().meta({ description: 'USD per 1000 or package.', example: '1.10' }),
  discount: percent.optional().meta({ description: 'Percent off the list.', example: '15' }),
})

/** What a plan consists of, as it comes in. */
export const planBody = z.strictObject({
  name: z.string().trim().min(1).max(80).meta({ example: 'Resellers' }),
  discount: percent
    .default('0')
    .meta({ description: 'Percent off the list, where no term says otherwise.', example: '10' }),
  below_margin: z.boolean().default(false).meta({
    description: 'Whether its rates may be below the least margin of the mark-up rules. None is ever below the cost.',
  }),
  terms: z.array(termBody).max(PLAN_TERMS_MAX).default([]).meta({
    description:
      'Each for one service or one category, with either a rate or a discount. A service’s goes before its category’s.',
  }),
})

/** A plan as it is shown in a list. */
export const planShape = z.object({
  id: z.string().meta({ example: '3' }),
  name: z.string().meta({ example: 'Resellers' }),
  discount: z.string().meta({ example: '10.00' }),
  below_margin: z.boolean(),
  terms: z.int().meta({ description: 'How many.', example: 12 }),
  customers: z.int().meta({ description: 'Who have it as their own.', example: 4 }),
  roles: z
    .array(z.string())
    .meta({ description: 'Whose people have it, unless they have their own.', example: ['reseller'] }),
  version: z.string().meta({ example: '1' }),
  updated_at: z.iso.datetime(),
})

const termShape = z.object({
  service_id: z.string().nullable(),
  category: z.string().nullable(),
  rate: z.string().nullable(),
  discount: z.string().nullable(),
})

export const planDetailShape = planShape.extend({
  terms: z.array(termShape),
  history: z
    .array(
      z.object({
        version: z.string(),
        at: z.iso.datetime(),
        by: z.string().nullable().meta({ description: 'Null: at the terminal.' }),
        reason: z.string().nullable(),
        discount: z.string().nullable().meta({ description: 'Null: it was removed.' }),
        terms: z.int().nullable(),
      }),
    )
    .meta({ description: 'The latest changes, latest first.' }),
})

export const previewShape = z.object({
  services: z.int().meta({ description: 'That are sold.', example: 120 }),
  cheaper: z.int().meta({ description: 'Below the list.', example: 118 }),
  dearer: z.int(),
  limited: z.int().meta({ description: 'Which would be below what may be, and are at that.', example: 2 }),
  data: z
    .array(
      z.object({
        service_id: z.string(),
        name: z.string(),
        category: z.string(),
        list_rate: z.string().meta({ example: '1.30' }),
        rate: z.string().meta({ example: '1.17' }),
        margin: z.string().nullable().meta({ description: 'Rate less cost.', example: '0.17' }),
        limited: z.boolean(),
      }),
    )
    .meta({ description: `The first ${SHOWN_MAX} that differ from the list, by category.` }),
})

/** Reads what a plan consists of. Throws InvalidRequestError naming the fields. */
export function readPlan({ name, discount, below_margin, terms }: z.output<typeof planBody>): PlanTerms {
  const wrong: { field: string; reason: string }[] = []
  const seen = new Set<string>()
  const read = terms.map((term, i) => {
    const refuse = (field: string, reason: string) => wrong.push({ field: `terms.${i}${field}`, reason })
    if ((term.service_id === undefined) === (term.category === undefined))
      refuse('', 'must name either a service or a category')
    if ((term.rate === undefined) === (term.discount === undefined)) refuse('', 'must have either a rate or a discount')
    const about = term.service_id === undefined ? `category ${term.category}` : `service ${term.service_id}`
    if (seen.has(about)) refuse('', 'is there twice: one term for each service or category')
    seen.add(about)
    if ((parseAmount(term.rate ?? '0', SALE_SCALE) ?? RATE_MAX + 1n) > RATE_MAX)
      refuse('.rate', `must be at most ${saleAmount(RATE_MAX)}`)
    if (bpOf(term.discount ?? '0') > DISCOUNT_BP_MAX) refuse('.discount', 'must be at most 100')
    return termOf(term)
  })
  if (bpOf(discount) > DISCOUNT_BP_MAX) wrong.push({ field: 'discount', reason: 'must be at most 100' })
  if (wrong.length > 0) throw new InvalidRequestError(wrong)
  return { name, discount_bp: bpOf(discount), below_margin, terms: read }
}

function bpOf(percent: string): bigint {
  return parseAmount(percent, 2) ?? DISCOUNT_BP_MAX + 1n
}

function termOf({ service_id, category, rate, discount }: z.output<typeof termBody>): PlanTerm {
  const price =
    rate === undefined ? { discount_bp: bpOf(discount ?? '0') } : { rate: parseAmount(rate, SALE_SCALE) ?? 0n }
  return service_id === undefined
    ? { category: category ?? '', ...price }
    : { service_id: BigInt(service_id), ...price }
}

/** A plan for those who look, with who has it. */
export function planView(plan: CountedPlan, customers: number, roles: string[]): z.output<typeof planShape> {
  const { id, name, discount_bp, below_margin, terms, version, updated_at } = plan
  return {
    ...{ name, below_margin, customers, roles },
    id: String(id),
    discount: formatAmount(discount_bp, 2, 2),
    terms,
    version: String(version),
    updated_at: updated_at.toISOString(),
  }
}

/** A plan with its terms and its history. */
export function planDetailView(
  plan: PricePlan,
  { customers, roles, changes }: { customers: number; roles: string[]; changes: PlanChange[] },
): z.output<typeof planDetailShape> {
  return {
    ...planView({ ...plan, terms: plan.terms.length }, customers, roles),
    terms: plan.terms.map((term) => ({
      service_id: 'service_id' in term ? String(term.service_id) : null,
      category: 'category' in term ? term.category : null,
      rate: 'rate' in term ? saleAmount(term.rate) : null,
      discount: 'rate' in term ? null : formatAmount(term.discount_bp, 2, 2),
    })),
    history: changes.map(({ version, at, user_id, reason, discount_bp, terms }) => ({
      version: String(version),
      at: at.toISOString(),
      by: user_id === null ? null : String(user_id),
      reason,
      discount: discount_bp === null ? null : formatAmount(discount_bp, 2, 2),
      terms,
    })),
  }
}

/** What a plan would make of the list. */
export function previewView(rates: readonly PlanPreview[]): z.output<typeof previewShape> {
  const other = rates.filter(({ service, rate }) => rate !== service.rate)
  return {
    services: rates.length,
    cheaper: rates.filter(({ service, rate }) => rate < service.rate).length,
    dearer: rates.filter(({ service, rate }) => rate > service.rate).length,
    limited: rates.filter(({ limited }) => limited).length,
    data: other.slice(0, SHOWN_MAX).map(({ service, rate, limited }) => ({
      service_id: String(service.id),
      name: service.name,
      category: service.category,
      list_rate: saleAmount(service.rate),
      rate: saleAmount(rate),
      margin: service.cost_usd === null ? null : saleAmount(rate - service.cost_usd),
      limited,
    })),
  }
}
