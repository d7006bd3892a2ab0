import { z } from 'zod'
import type { App } from '../app.ts'
import { statement } from '../db/database.ts'
import type { Chore } from '../jobs/jobs.ts'
import { defineSetting } from '../settings/setting.ts'

/** How long a failure that does not come back is remembered. */
export const failuresKeptDays = defineSetting({
  name: 'errors.kept_days',
  schema: z.number().int().min(1).max(365),
  default: 30,
  description:
    'How long a critical error is listed after it last occurred. One that comes back later is told as new, with its count begun anew.',
  unit: 'days',
})

const SWEEP = statement('delete from platform.failure where last_at < $1 returning id')

/** Forgets failures that did not occur for as long as the setting says; answers how many. */
export async function sweepFailures(app: Pick<App, 'db' | 'clock' | 'settings'>): Promise<number> {
  const before = new Date(app.clock.now().getTime() - app.settings.read(failuresKeptDays) * 86_400_000)
  // The table is bounded, so this is too.
  return (await app.db.query(SWEEP, [before])).length
}

/** Each night, at a minute of its own. */
export const sweepFailuresChore: Chore = {
  name: 'platform.sweep-failures',
  cron: '51 3 * * *',
  run: async (app) => {
    await sweepFailures(app)
  },
}
