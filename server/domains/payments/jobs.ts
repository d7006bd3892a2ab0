import type { Chore } from '#server/platform/jobs/jobs.ts'
import { expireAdjustments } from './adjustments/expire-adjustments.ts'

/** What the scheduler does for this domain. */
export const paymentChores: readonly Chore[] = [
  {
    name: 'payments.expire-adjustments',
    cron: '7 * * * *',
    run: async (app) => {
      await expireAdjustments(app)
    },
  },
]
