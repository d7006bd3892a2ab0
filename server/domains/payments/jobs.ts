import type { Chore } from '#server/platform/jobs/jobs.ts'
import { expireAdjustments } from './adjustments/expire-adjustments.ts'
import { expireDeposits } from './deposits/expire-deposits.ts'
import { tellVerifiedDeposits } from './deposits/verify-deposits.ts'
import { tellVerifiedPromoCodes } from './promo-codes/verify-promo-codes.ts'

/** What the scheduler does for this domain. */
export const paymentChores: readonly Chore[] = [
  {
    name: 'payments.expire-adjustments',
    cron: '7 * * * *',
    run: async (app) => {
      await expireAdjustments(app)
    },
  },
  {
    name: 'payments.expire-deposits',
    cron: '12 * * * *',
    run: async (app) => {
      await expireDeposits(app)
    },
  },
  { name: 'payments.verify-deposits', cron: '43 2 * * *', run: tellVerifiedDeposits },
  { name: 'payments.verify-promo-codes', cron: '48 2 * * *', run: tellVerifiedPromoCodes },
]
