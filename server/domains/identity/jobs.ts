import type { Chore } from '#server/platform/jobs/jobs.ts'
import { deleteEndedSessions } from './delete-ended-sessions.ts'

/** What the scheduler does for this domain. */
export const identityChores: readonly Chore[] = [
  {
    name: 'identity.delete-ended-sessions',
    // At an odd minute, apart from what others do on the hour.
    cron: '23 * * * *',
    run: async (app) => {
      await deleteEndedSessions(app)
    },
  },
]
