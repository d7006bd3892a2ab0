import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { walletAmount } from '../amount-setting.ts'

/** More would not fit into what a setting may take. */
const METHODS_MAX = 20

const method = z.strictObject({
  code: z.string().regex(/^[a-z0-9_]{1,32}$/, 'must be small letters, digits and _'),
  name: z.string().trim().min(1).max(60),
  instructions: z.string().trim().max(500),
})

/** The ways to pay by hand. */
export const depositMethods = defineSetting({
  name: 'deposits.methods',
  schema: z
    .array(method)
    .max(METHODS_MAX)
    .refine((all) => new Set(all.map(({ code }) => code)).size === all.length, 'each code may stand there once'),
  default: [
    {
      code: 'bank_transfer',
      name: 'Bank transfer',
      instructions: 'Ask our support for the account to pay to, and tell us the number of the transfer.',
    },
  ],
  description:
    'The ways in which customers pay in by hand: a code, a name and what they are told. Empty: no deposits by hand are taken.',
})

/** Micro-USD. */
export const depositMin = defineSetting({
  name: 'deposits.amount_min',
  schema: walletAmount,
  default: '1.00',
  description: 'The smallest deposit by hand that customers may ask for.',
  unit: 'usd',
})

/** Micro-USD. */
export const depositMax = defineSetting({
  name: 'deposits.amount_max',
  schema: walletAmount,
  default: '10000.00',
  description: 'The largest deposit by hand that customers may ask for.',
  unit: 'usd',
})

export const depositsPendingMax = defineSetting({
  name: 'deposits.pending_max',
  schema: z.int().min(1).max(100),
  default: 3,
  description: 'How many deposits of one customer may wait for an answer at the same time.',
  unit: 'deposits',
})

export const depositAnswerDays = defineSetting({
  name: 'deposits.answer_days',
  schema: z.int().min(1).max(90),
  default: 7,
  description: 'How long a deposit waits for staff, and again for a second person, before it expires.',
  unit: 'days',
})

/** Micro-USD. */
export const depositSecondPersonAbove = defineSetting({
  name: 'deposits.second_person_above',
  schema: walletAmount,
  default: '1000.00',
  description:
    'What one member of staff may approve of deposits within 24 hours without a second person. With 0 each deposit needs one.',
  unit: 'usd',
})

export const DEPOSIT_SETTINGS = [
  depositMethods,
  depositMin,
  depositMax,
  depositsPendingMax,
  depositAnswerDays,
  depositSecondPersonAbove,
] as const
