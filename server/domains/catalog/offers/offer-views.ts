import { z } from 'zod'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import { idText } from '#server/platform/http/id-text.ts'
import { readRule, ruleBody } from '../markups/rule-views.ts'
import { SALE_SCALE, saleAmount } from '../sale-amount.ts'
import type { ChosenOutcome, ImportChosen } from './import-chosen.ts'
import { IMPORT_CHOSEN_MAX } from './import-chosen.ts'
import type { KeptOffer } from './kept-offer.ts'
import { OFFER_KINDS, type PlannedService } from './plan-offer.ts'
import type { RecordedImport } from './recorded-imports.ts'

const count = z.number().int()
const usd = z.string().meta({ example: '1.30' })

/** A provider's list as it was read, summed up. */
export const offerShape = z.object({
  id: z.string().meta({ example: '12' }),
  provider_id: z.string().meta({ example: '1' }),
  currency: z.string().meta({ description: 'What the provider bills in.', example: 'USD' }),
  asked_at: z.iso.datetime(),
  expires_at: z.iso.datetime().meta({ description: 'Until then it can be chosen from.' }),
  suspicion: z.string().nullable().meta({
    description: 'Why the list may be half an answer or a mistake.',
    example: 'The list has 3 services, where it had 24.',
  }),
  unreadable: count.meta({ description: 'Rows that make no sense at all; they are not shown.' }),
  counts: z.object(
    Object.fromEntries(OFFER_KINDS.map((kind) => [kind, count])) as Record<(typeof OFFER_KINDS)[number], typeof count>,
  ),
})

/** The list, summed up. */
export function offerView(
  { id, provider_id, asked_at, expires_at }: KeptOffer,
  about: { currency: string; suspicion: string | undefined; unreadable: number; services: readonly PlannedService[] },
): z.output<typeof offerShape> {
  const counted = OFFER_KINDS.map((kind) => [kind, about.services.filter((each) => each.kind === kind).length])
  return {
    id: String(id),
    provider_id: String(provider_id),
    currency: about.currency,
    asked_at: asked_at.toISOString(),
    expires_at: expires_at.toISOString(),
    suspicion: about.suspicion ?? null,
    unreadable: about.unreadable,
    counts: Object.fromEntries(counted),
  }
}

/** One service of a provider, beside what we have of it. */
export const plannedShape = z.object({
  provider_service_id: z.string().meta({ example: '101' }),
  kind: z.enum(OFFER_KINDS),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'Why it cannot be sold, or would not be.', example: 'type_not_sold' }),
  name: z.string(),
  provider_category: z.string(),
  type: z.string().meta({ description: 'In the provider’s words.', example: 'Default' }),
  cost: z.string().meta({ description: 'Per 1000 or package, in the provider’s currency.', example: '1.00' }),
  min: z.string(),
  max: z.string(),
  service_id: z.string().nullable().meta({ description: 'Ours; null: we have none of it.', example: '5' }),
  now: z
    .object({ category: z.string(), rate: usd, sold: z.boolean() })
    .nullable()
    .meta({ description: 'Ours as it stands.' }),
  proposed: z
    .object({ category: z.string(), rate: usd, margin: usd.nullable() })
    .nullable()
    .meta({ description: 'As it would be by the standing rules: USD per 1000 or package.' }),
})

/** One service of the plan. `scale`: decimal digits of what the provider bills in. */
export function plannedView(planned: PlannedService, scale: number): z.output<typeof plannedShape> {
  const { provider_service_id, kind, reason, name, category, raw_type, cost, min, max, current, proposed } = planned
  return {
    ...{ provider_service_id, kind, reason, name },
    provider_category: category,
    type: raw_type,
    cost: formatAmount(cost, scale, Math.min(2, scale)),
    min: String(min),
    max: String(max),
    service_id: current ? String(current.id) : null,
    now: current ? { category: current.category, rate: saleAmount(current.rate), sold: current.active } : null,
    proposed: proposed
      ? {
          category: proposed.category,
          rate: saleAmount(proposed.rate),
          margin: proposed.cost_usd === null ? null : saleAmount(proposed.rate - proposed.cost_usd),
        }
      : null,
  }
}

const MAPPINGS_MAX = 500
const category = z.string().trim().min(1).max(200)

/** What is taken of a kept list. */
export const importBody = z.strictObject({
  offer_id: idText('must be the id of a list that was read').meta({ example: '12' }),
  services: z
    .array(
      z.strictObject({
        provider_service_id: z.string().min(1).max(100).meta({ example: '101' }),
        category: category.optional().meta({ description: 'Ours, from now on.', example: 'Translation' }),
        rate: z
          .string()
          .regex(/^\d{1,6}(\.\d{1,6})?$/, 'must be a decimal such as 1.30, with up to six decimals')
          .optional()
          .meta({ description: 'USD per 1000 or package, whatever the mark-up says.', example: '1.30' }),
      }),
    )
    .min(1)
    .max(IMPORT_CHOSEN_MAX),
  categories: z
    .array(z.strictObject({ from: z.string().min(1).max(200), to: category }))
    .max(MAPPINGS_MAX)
    .optional()
    .meta({
      description: 'Categories of the provider, and ours in their place; what a service says itself counts first.',
    }),
  markup: ruleBody
    .optional()
    .meta({ description: 'The rule of each of these services from now on; without it the standing ones price them.' }),
  reason: z.string().trim().min(1).max(500).optional().meta({ example: 'Spring catalogue.' }),
})

/** Reads what is taken. `categoryOf` tells the provider's own category of a service. Throws InvalidRequestError on a rule that cannot be. */
export function readChosen(
  { services, categories = [], markup }: z.output<typeof importBody>,
  categoryOf: (provider_service_id: string) => string | undefined,
): Pick<ImportChosen, 'services' | 'markup'> {
  const mapped = new Map(categories.map(({ from, to }) => [from, to]))
  return {
    services: services.map(({ provider_service_id, category, rate }) => ({
      provider_service_id,
      category: category ?? mapped.get(categoryOf(provider_service_id) ?? ''),
      rate: rate === undefined ? undefined : parseAmount(rate, SALE_SCALE),
    })),
    markup: markup && readRule(markup),
  }
}

/** What became of each service that was chosen. */
export const importedShape = z.object({
  import_id: z.string().meta({ example: '3' }),
  data: z.array(
    z.object({
      provider_service_id: z.string().meta({ example: '101' }),
      ok: z.boolean(),
      outcome: z.enum(['created', 'updated', 'unchanged']).nullable(),
      service_id: z.string().nullable().meta({ example: '5' }),
      rate: usd.nullable(),
      code: z.string().nullable().meta({ example: 'rate_below_cost' }),
      message: z.string().nullable(),
    }),
  ),
})

/** Outcome i belongs to service i. */
export function importedView(
  import_id: bigint,
  outcomes: readonly ChosenOutcome[],
  services: readonly { provider_service_id: string }[],
): z.output<typeof importedShape> {
  return {
    import_id: String(import_id),
    data: outcomes.map((each, i) => {
      const provider_service_id = services[i]?.provider_service_id ?? ''
      if (!each.ok) {
        const { code, message } = each
        return { provider_service_id, ok: false, outcome: null, service_id: null, rate: null, code, message }
      }
      const [service_id, rate] = [String(each.service_id), saleAmount(each.rate)]
      return { provider_service_id, ok: true, outcome: each.outcome, service_id, rate, code: null, message: null }
    }),
  }
}

/** One line of the history of imports. */
export const recordedShape = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  by: z.string().nullable().meta({ description: 'Null: at the terminal.', example: '4' }),
  asked_at: z.iso.datetime().meta({ description: 'When the list was read.' }),
  chosen: count.nullable().meta({ description: 'Null: all of the list.' }),
  created: count,
  updated: count,
  unchanged: count,
  no_longer_sold: count,
  refused: count,
  markup: z
    .object({ percent: z.string().meta({ example: '30.00' }), fixed: usd, minimum_margin: usd, step: usd })
    .nullable()
    .meta({ description: 'The rule that came with it.' }),
})

/** An import as the history tells it. */
export function recordedView(recorded: RecordedImport): z.output<typeof recordedShape> {
  const { id, at, user_id, asked_at, chosen, created, updated, unchanged, deactivated, refused } = recorded
  const { percent_bp, fixed, minimum_margin, step } = recorded
  return {
    ...{ chosen, created, updated, unchanged, refused },
    id: String(id),
    at: at.toISOString(),
    by: user_id === null ? null : String(user_id),
    asked_at: asked_at.toISOString(),
    no_longer_sold: deactivated,
    markup:
      percent_bp === null
        ? null
        : {
            percent: formatAmount(percent_bp, 2, 2),
            fixed: saleAmount(fixed ?? 0n),
            minimum_margin: saleAmount(minimum_margin ?? 0n),
            step: saleAmount(step ?? 0n),
          },
  }
}
