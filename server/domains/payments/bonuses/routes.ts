import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { STAFF_AREAS } from '#server/domains/identity/areas/area.ts'
import { present } from '#server/kit/invariant.ts'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import type { App } from '#server/platform/app.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import { WALLET_ASSET, WALLET_SCALE } from '../accounts.ts'
import { PERCENT_BP_MAX } from './bonus-rule.ts'
import { createBonusRule, endBonusRule } from './change-rules.ts'
import { type RuleGiven, selectRuleGiven, selectRulesGiven } from './queries.ts'

const tags = ['deposits by hand']
const REASON_MAX = 500

const amount = z.string().regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be a decimal such as 100.00, with up to six decimals')
const moment = z.iso.datetime({ offset: true })
const reason = z
  .string()
  .trim()
  .min(1)
  .max(REASON_MAX)
  .meta({ description: 'Why; kept for ever.', example: 'New year.' })

const newRule = z.strictObject({
  name: z.string().trim().min(1).max(80).meta({ example: 'New year 2027' }),
  deposit_min: amount.meta({ description: 'For deposits of at least this much.', example: '100.00' }),
  percent: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,2})?$/, 'must be a percentage such as 5 or 2.5, with up to two decimals')
    .meta({ description: 'Of what came in.', example: '5' }),
  amount_max: amount
    .nullable()
    .default(null)
    .meta({ description: 'At most this; null: without limit.', example: '50.00' }),
  starts_at: moment.optional().meta({ description: 'For deposits asked for from then on; now, when absent or past.' }),
  ends_at: moment.nullable().default(null).meta({ description: 'And before this; null: until it is ended.' }),
  reason,
})

const ruleShape = z.object({
  id: z.string().meta({ example: '3' }),
  name: z.string(),
  deposit_min: z.string().meta({ example: '100.00' }),
  percent: z.string().meta({ example: '5.00' }),
  amount_max: z.string().nullable(),
  currency: z.string().meta({ example: 'USD' }),
  starts_at: z.iso.datetime(),
  ends_at: z.iso.datetime().nullable(),
  deposits: z.int().meta({ description: 'For how many it has given.', example: 12 }),
  given: z.string().meta({ description: 'What it has given in all.', example: '240.00' }),
  created_at: z.iso.datetime(),
  created_by: z.string().nullable().meta({ description: 'Null: at the terminal.' }),
})

/** What the house gives on top of deposits, for staff. Register it under a scope that `guardRoutes` guards. */
export function bonusRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    for (const area of STAFF_AREAS) await server.register(ruleRoutes(app), { prefix: `/api/${area}/deposit-bonuses` })
  }
}

function ruleRoutes(app: App): FastifyPluginAsyncZod {
  const rule = async (id: bigint) =>
    ruleView(present(await selectRuleGiven(app.db, id), 'a rule that was made or ended is there: none is ever removed'))
  return async (server) => {
    server.get(
      '',
      {
        config: { permission: 'bonuses:read' },
        schema: {
          summary: 'List the bonuses on deposits',
          description:
            'Those that have not ended first, newest first; then the latest that have. A deposit gets the one that gives most of those that held when it was asked for.',
          tags,
          response: { 200: z.object({ data: z.array(ruleShape) }) },
        },
      },
      async () => ({ data: (await selectRulesGiven(app.db, app.clock.now())).map(ruleView) }),
    )

    server.post(
      '',
      {
        config: { permission: 'bonuses:edit', idempotent: 'Its name is given once: repeated it is refused.' },
        schema: {
          summary: 'Promise a bonus on deposits',
          description:
            'It is credited with the deposit, as a movement of its own, once. What was promised stays; it can only be ended. 409 `bonus_name_taken`, `too_many_bonus_rules`.',
          tags,
          body: newRule,
          response: { 201: ruleShape },
        },
      },
      async (request, reply) => {
        const id = await createBonusRule(app, { ...readRule(request.body, app.clock.now()), by: actorOf(request) })
        return reply.code(201).send(await rule(id))
      },
    )

    server.post(
      '/:id/end',
      {
        config: { permission: 'bonuses:edit', idempotent: 'It ends once; who comes second is told.' },
        schema: {
          summary: 'End a bonus now',
          description: 'Deposits asked for before still get it. 404 `bonus_rule_not_found`; 409 `bonus_rule_ended`.',
          tags,
          params: z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number') }),
          body: z.strictObject({ reason }),
          response: { 200: ruleShape },
        },
      },
      async (request) => {
        const id = BigInt(request.params.id)
        await endBonusRule(app, { id, by: actorOf(request), reason: request.body.reason })
        return rule(id)
      },
    )
  }
}

function readRule({ name, reason, starts_at, ends_at, ...figures }: z.output<typeof newRule>, now: Date) {
  const percent_bp = parseAmount(figures.percent, 2) ?? 0n
  const deposit_min = parseAmount(figures.deposit_min, WALLET_SCALE) ?? 0n
  const amount_max = figures.amount_max === null ? null : (parseAmount(figures.amount_max, WALLET_SCALE) ?? 0n)
  const end = ends_at === null ? null : new Date(ends_at)
  const begin = starts_at === undefined ? undefined : new Date(starts_at)
  const wrong = [
    { field: 'percent', is: percent_bp < 1n || percent_bp > PERCENT_BP_MAX, reason: 'must be above 0 and at most 100' },
    { field: 'deposit_min', is: deposit_min <= 0n, reason: 'must be above 0' },
    { field: 'amount_max', is: amount_max !== null && amount_max <= 0n, reason: 'must be above 0' },
    {
      field: 'ends_at',
      is: end !== null && (end <= now || (begin !== undefined && end <= begin)),
      reason: 'must be after starts_at, and to come',
    },
  ].filter(({ is }) => is)
  if (wrong.length > 0) throw new InvalidRequestError(wrong.map(({ field, reason }) => ({ field, reason })))
  return { name, reason, percent_bp, deposit_min, amount_max, starts_at: begin, ends_at: end }
}

function ruleView(rule: RuleGiven): z.output<typeof ruleShape> {
  const written = (minor: bigint) => formatAmount(minor, WALLET_SCALE, 2)
  return {
    id: String(rule.id),
    name: rule.name,
    deposit_min: written(rule.deposit_min),
    percent: formatAmount(rule.percent_bp, 2, 2),
    amount_max: rule.amount_max === null ? null : written(rule.amount_max),
    currency: WALLET_ASSET,
    starts_at: rule.starts_at.toISOString(),
    ends_at: rule.ends_at?.toISOString() ?? null,
    deposits: rule.deposits,
    given: written(rule.amount),
    created_at: rule.created_at.toISOString(),
    created_by: rule.created_by === null ? null : String(rule.created_by),
  }
}
