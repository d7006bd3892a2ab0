import { z } from 'zod'
import { formatAmount } from '#server/kit/money.ts'
import { WALLET_SCALE } from '../accounts.ts'
import { DECISION_REASON_MAX, DEPOSIT_STATES, type Deposit, NOTE_MAX, REFERENCE_MAX, SHOWN_STATES } from './deposit.ts'
import type { Namesake } from './queries.ts'
import { settledAs } from './tell-deposit.ts'

const time = z.iso.datetime()
const id = z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number')

/** As typed by people; the verb reads it. */
const amount = z.string().max(40)

export const depositId = z.object({ id: id.meta({ example: '5' }) })

export const newDeposit = z.strictObject({
  amount: amount.meta({ example: '50.00' }),
  method: z.string().max(32).meta({ description: 'The code of one of the ways on offer.', example: 'bank_transfer' }),
  reference: z.string().trim().min(1).max(REFERENCE_MAX).meta({
    description: 'By what the payment is found, such as the number of the transaction.',
    example: 'TRX-4711-AB',
  }),
  note: z
    .string()
    .trim()
    .min(1)
    .max(NOTE_MAX)
    .optional()
    .meta({ description: 'What else staff should know.', example: 'Paid from my brother’s account.' }),
})

const answered = {
  id: z.string().meta({ example: '5' }),
  amount: z.string().meta({ description: 'As its customer says.', example: '50.00' }),
  currency: z.string().meta({ example: 'USD' }),
  method: z.string().meta({ example: 'bank_transfer' }),
  reference: z.string().meta({ example: 'TRX-4711-AB' }),
  note: z.string().nullable(),
  created_at: time,
  expires_at: time.meta({ description: 'When it expires unless it is answered before.' }),
  settled_at: time.nullable(),
}

/** A deposit as its customer sees it. */
export const depositShape = z.object({
  ...answered,
  state: z.enum(SHOWN_STATES),
  credited: z.string().nullable().meta({ description: 'What came onto the balance; null before.', example: '50.00' }),
  reason: z.string().nullable().meta({ description: 'Why it was refused, or why another amount was credited.' }),
  bonus: z.string().nullable().meta({ description: 'What came onto the balance on top of it.', example: '2.50' }),
})

/** A deposit as staff see it. */
export const staffDepositShape = z.object({
  ...answered,
  user_id: z.string().meta({ example: '17' }),
  state: z.enum(DEPOSIT_STATES).meta({ description: '`approved_once` waits for a second person.' }),
  approved_amount: z.string().nullable().meta({ example: '50.00' }),
  bonus: z.string().nullable().meta({ description: 'What was given on top.', example: '2.50' }),
  first_approved_by: z.string().nullable().meta({ description: 'Where it takes two.', example: '3' }),
  first_approved_at: time.nullable(),
  decided_by: z.string().nullable().meta({ example: '4' }),
  reason: z.string().nullable().meta({ description: 'The customer reads it once the deposit is settled.' }),
  same_reference: z
    .array(z.object({ deposit_id: z.string(), user_id: z.string(), state: z.enum(DEPOSIT_STATES) }))
    .meta({
      description: 'A warning: other deposits that name the same payment.',
      example: [{ deposit_id: '3', user_id: '9', state: 'approved' }],
    }),
})

const reason = z
  .string()
  .trim()
  .min(1)
  .max(DECISION_REASON_MAX)
  .meta({ description: 'The customer reads it.', example: 'The bank took a fee of 2.00.' })

export const approval = z.strictObject({
  amount: amount
    .optional()
    .meta({ description: 'Where another one came in than was asked for; then with a reason.', example: '48.00' }),
  reason: reason.optional(),
})

export const refusal = z.strictObject({ reason })

/** What its customer sees of a deposit. */
export function depositView(of: Deposit): z.output<typeof depositShape> {
  const { state, credited, reason } = settledAs(of)
  return {
    ...answeredView(of),
    state,
    credited: credited === null ? null : written(credited),
    reason,
    bonus: bonusView(of),
  }
}

/** What staff see of a deposit. */
export function staffDepositView(of: Deposit, namesakes: readonly Namesake[]): z.output<typeof staffDepositShape> {
  return {
    ...answeredView(of),
    user_id: String(of.user_id),
    state: of.state,
    approved_amount: of.approved_amount === null ? null : written(of.approved_amount),
    bonus: bonusView(of),
    first_approved_by: of.first_approved_by === null ? null : String(of.first_approved_by),
    first_approved_at: of.first_approved_at?.toISOString() ?? null,
    decided_by: of.decided_by === null ? null : String(of.decided_by),
    reason: of.decision_reason,
    same_reference: namesakes.map(({ id, user_id, state }) => ({
      deposit_id: String(id),
      user_id: String(user_id),
      state,
    })),
  }
}

function answeredView(of: Deposit) {
  return {
    id: String(of.id),
    amount: written(of.amount),
    currency: of.asset,
    method: of.method,
    reference: of.reference,
    note: of.note,
    created_at: of.asked_at.toISOString(),
    expires_at: of.expires_at.toISOString(),
    settled_at: of.settled_at?.toISOString() ?? null,
  }
}

function bonusView({ bonus }: Deposit): string | null {
  return bonus === null ? null : written(bonus)
}

function written(amount: bigint): string {
  return formatAmount(amount, WALLET_SCALE, 2)
}
