import { z } from 'zod'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import { InvalidRequestError } from '#server/platform/http/problem.ts'
import { WALLET_ASSET, WALLET_SCALE } from '../accounts.ts'
import { PERCENT_BP_MAX } from '../bonuses/bonus-rule.ts'
import type { NewPromoCode } from './create-code.ts'
import { CODE_MAX, PROMO_KINDS, PROMO_STATES, type PromoPromise, readCode, stateOf } from './promo-code.ts'
import type { PromoGiven, Redemption } from './queries.ts'

const REASON_MAX = 500
const DAYS_MAX = 366
/** More customers than any campaign reaches. */
const REDEMPTIONS_MAX = 1_000_000

const time = z.iso.datetime()
const number = z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number')
const amount = z.string().regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be a decimal such as 5.00, with up to six decimals')
const percent = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,2})?$/, 'must be a percentage such as 10 or 2.5, with up to two decimals')
const moment = z.iso.datetime({ offset: true })
const moments = moment.nullable().default(null)

export const promoCodeId = z.object({ id: number.meta({ example: '3' }) })
export const codeText = z
  .string()
  .max(CODE_MAX)
  .meta({ description: 'Letters, digits and `-`, in capitals or not.', example: 'WELCOME10' })
export const reason = z
  .string()
  .trim()
  .min(1)
  .max(REASON_MAX)
  .meta({ description: 'Why; kept for ever.', example: 'Campaign of May.' })

const limits = {
  code: z
    .string()
    .max(CODE_MAX)
    .meta({ description: 'Of 4 to 32 letters, digits and `-`; capitals do not count.', example: 'WELCOME10' }),
  registered_from: moments.meta({ description: 'For customers who registered from then on.' }),
  registered_until: moments.meta({ description: 'And before this.' }),
  starts_at: moment.optional().meta({ description: 'From when on it can be redeemed; now, when absent or past.' }),
  ends_at: moments.meta({ description: 'And before this; null: until it is ended.' }),
  reason,
}
const redemptions_max = z.int().min(1).max(REDEMPTIONS_MAX)
const optionalMax = redemptions_max
  .nullable()
  .default(null)
  .meta({ description: 'By how many customers; null: by as many as come.', example: 500 })
const lasting = {
  days: z
    .int()
    .min(1)
    .max(DAYS_MAX)
    .meta({ description: 'For how long it holds for whoever has redeemed it.', example: 30 }),
  holds_until: moments.meta({ description: 'And not beyond this.' }),
}

const newCredit = z.strictObject({
  kind: z.literal('credit').meta({ description: 'Money at once.' }),
  ...limits,
  amount: amount.meta({ description: 'What each redemption is credited.', example: '5.00' }),
  redemptions_max: redemptions_max.meta({ description: 'By how many customers.', example: 500 }),
})
const newDiscount = z.strictObject({
  kind: z.literal('discount').meta({ description: 'Off the list, for a time.' }),
  ...limits,
  ...lasting,
  percent: percent.meta({ description: 'Off the rates of the list.', example: '10' }),
  below_margin: z.boolean().default(false).meta({
    description: 'Whether its rates may be below the least margin of the mark-up rules. None is ever below the cost.',
  }),
  redemptions_max: optionalMax,
})
const newDeposit = z.strictObject({
  kind: z.literal('deposit').meta({ description: 'A bonus on the next deposit.' }),
  ...limits,
  ...lasting,
  percent: percent.meta({ description: 'Of what came in.', example: '10' }),
  deposit_min: amount.meta({ description: 'For a deposit of at least this much.', example: '50.00' }),
  amount_max: amount
    .nullable()
    .default(null)
    .meta({ description: 'At most this; null: without limit.', example: '20.00' }),
  redemptions_max: optionalMax,
})

/** A code as it comes in. */
export const newPromoCode = z.discriminatedUnion('kind', [newCredit, newDiscount, newDeposit])

/** A code as staff see it. */
export const promoCodeShape = z.object({
  id: z.string().meta({ example: '3' }),
  code: z.string().meta({ example: 'WELCOME10' }),
  kind: z.enum(PROMO_KINDS),
  state: z.enum(PROMO_STATES),
  amount: z.string().nullable().meta({ example: '5.00' }),
  percent: z.string().nullable().meta({ description: 'Off the list, or of a deposit.', example: '10.00' }),
  below_margin: z.boolean().nullable(),
  deposit_min: z.string().nullable(),
  amount_max: z.string().nullable(),
  currency: z.string().meta({ example: 'USD' }),
  days: z.int().nullable(),
  holds_until: time.nullable(),
  redemptions_max: z.int().nullable().meta({ example: 500 }),
  redemptions: z.int().meta({ description: 'How many have redeemed it.', example: 12 }),
  given: z.string().nullable().meta({
    description: 'What it has given in all; null for discounts, of which nobody counts what they save.',
    example: '60.00',
  }),
  registered_from: time.nullable(),
  registered_until: time.nullable(),
  starts_at: time,
  ends_at: time.nullable(),
  ended_at: time.nullable().meta({ description: 'When staff ended it.' }),
  created_at: time,
  created_by: z.string().nullable().meta({ description: 'Null: at the terminal.' }),
})

/** How a redemption stands: `credited` at once; `running` still holds, `used` has given its bonus, `over` holds no more. */
const REDEMPTION_STATES = ['credited', 'running', 'used', 'over'] as const

/** A redemption as its customer sees it. */
export const redemptionShape = z.object({
  id: z.string().meta({ example: '7' }),
  code: z.string().meta({ example: 'WELCOME10' }),
  kind: z.enum(PROMO_KINDS),
  state: z.enum(REDEMPTION_STATES).meta({
    description:
      '`credited` at once; `running` as long as the discount or the promise holds; `used` once a deposit has had its bonus; `over` after that time.',
  }),
  amount: z.string().nullable().meta({ description: 'What was credited at once.', example: '5.00' }),
  percent: z
    .string()
    .nullable()
    .meta({ description: 'Off the list, or of what the deposit brings.', example: '10.00' }),
  deposit_min: z.string().nullable().meta({ description: 'The least deposit that it is for.' }),
  amount_max: z.string().nullable().meta({ description: 'The most that it gives.' }),
  currency: z.string().meta({ example: 'USD' }),
  redeemed_at: time,
  ends_at: time.nullable().meta({ description: 'Until when it holds.' }),
  deposit_id: z.string().nullable().meta({ description: 'The deposit that has had its bonus.' }),
  bonus: z.string().nullable().meta({ description: 'What that was.' }),
})

/** A redemption as staff see it. */
export const staffRedemptionShape = redemptionShape.extend({
  code_id: z.string().meta({ example: '3' }),
  user_id: z.string().meta({ example: '17' }),
})

/** Reads a code as it came in. Throws InvalidRequestError naming the fields. */
export function readNewCode(body: z.output<typeof newPromoCode>, now: Date): Omit<NewPromoCode, 'by'> {
  const code = readCode(body.code)
  const { promise, wrong } = readPromise(body)
  const dateOf = (text: string | null | undefined) => (text == null ? null : new Date(text))
  const [starts_at, ends_at] = [dateOf(body.starts_at), dateOf(body.ends_at)]
  const [registered_from, registered_until] = [dateOf(body.registered_from), dateOf(body.registered_until)]
  const holds_until = 'holds_until' in promise ? promise.holds_until : null
  const begin = starts_at !== null && starts_at > now ? starts_at : now
  const checks = [
    { field: 'code', is: code === undefined, reason: 'must be 4 to 32 letters, digits and -, with a - only inside' },
    { field: 'ends_at', is: ends_at !== null && ends_at <= begin, reason: 'must be after starts_at, and to come' },
    {
      field: 'holds_until',
      is: holds_until !== null && holds_until <= begin,
      reason: 'must be after starts_at, and to come',
    },
    {
      field: 'registered_until',
      is: registered_from !== null && registered_until !== null && registered_until <= registered_from,
      reason: 'must be after registered_from',
    },
  ]
  wrong.push(...checks.filter(({ is }) => is).map(({ field, reason }) => ({ field, reason })))
  if (code === undefined || wrong.length > 0) throw new InvalidRequestError(wrong)
  const { redemptions_max, reason } = body
  const times = { registered_from, registered_until, starts_at: starts_at ?? undefined, ends_at }
  return { code, promise, redemptions_max, reason, ...times }
}

function readPromise(body: z.output<typeof newPromoCode>): {
  promise: PromoPromise
  wrong: { field: string; reason: string }[]
} {
  const wrong: { field: string; reason: string }[] = []
  const above = (field: string, text: string) => {
    const minor = parseAmount(text, WALLET_SCALE) ?? 0n
    if (minor <= 0n) wrong.push({ field, reason: 'must be above 0' })
    return minor
  }
  if (body.kind === 'credit') return { promise: { kind: 'credit', amount: above('amount', body.amount) }, wrong }
  const bp = parseAmount(body.percent, 2) ?? 0n
  if (bp < 1n || bp > PERCENT_BP_MAX) wrong.push({ field: 'percent', reason: 'must be above 0 and at most 100' })
  const { days } = body
  const holds_until = body.holds_until === null ? null : new Date(body.holds_until)
  if (body.kind === 'discount') {
    const { below_margin } = body
    return { promise: { kind: 'discount', discount_bp: bp, below_margin, days, holds_until }, wrong }
  }
  const deposit_min = above('deposit_min', body.deposit_min)
  const amount_max = body.amount_max === null ? null : above('amount_max', body.amount_max)
  return { promise: { kind: 'deposit', deposit_min, percent_bp: bp, amount_max, days, holds_until }, wrong }
}

/** A code for staff, as it stands at a moment. */
export function promoCodeView(of: PromoGiven, now: Date): z.output<typeof promoCodeShape> {
  const { code, kind, below_margin, days, redemptions_max, redemptions } = of
  return {
    ...{ code, kind, below_margin, days, redemptions_max, redemptions },
    id: String(of.id),
    state: stateOf(of, now),
    amount: written(of.amount),
    percent: percentOf(of),
    deposit_min: written(of.deposit_min),
    amount_max: written(of.amount_max),
    currency: WALLET_ASSET,
    holds_until: timeOf(of.holds_until),
    given: written(of.given),
    registered_from: timeOf(of.registered_from),
    registered_until: timeOf(of.registered_until),
    starts_at: of.starts_at.toISOString(),
    ends_at: timeOf(of.ends_at),
    ended_at: timeOf(of.ended_at),
    created_at: of.created_at.toISOString(),
    created_by: of.created_by === null ? null : String(of.created_by),
  }
}

/** A redemption for its customer, as it stands at a moment. */
export function redemptionView(of: Redemption, now: Date): z.output<typeof redemptionShape> {
  return {
    id: String(of.id),
    code: of.code,
    kind: of.kind,
    state: redemptionState(of, now),
    amount: written(of.amount),
    percent: percentOf(of),
    deposit_min: written(of.deposit_min),
    amount_max: written(of.amount_max),
    currency: of.asset,
    redeemed_at: of.redeemed_at.toISOString(),
    ends_at: timeOf(of.ends_at),
    deposit_id: of.deposit_id === null ? null : String(of.deposit_id),
    bonus: written(of.bonus),
  }
}

/** A redemption for staff. */
export function staffRedemptionView(of: Redemption, now: Date): z.output<typeof staffRedemptionShape> {
  return { ...redemptionView(of, now), code_id: String(of.code_id), user_id: String(of.customer_id) }
}

function redemptionState({ ends_at, deposit_id }: Redemption, now: Date): (typeof REDEMPTION_STATES)[number] {
  if (ends_at === null) return 'credited'
  if (deposit_id !== null) return 'used'
  return ends_at > now ? 'running' : 'over'
}

function percentOf({ discount_bp, percent_bp }: Pick<Redemption, 'discount_bp' | 'percent_bp'>): string | null {
  const bp = discount_bp ?? percent_bp
  return bp === null ? null : formatAmount(bp, 2, 2)
}

function written(minor: bigint | null): string | null {
  return minor === null ? null : formatAmount(minor, WALLET_SCALE, 2)
}

function timeOf(at: Date | null): string | null {
  return at?.toISOString() ?? null
}
