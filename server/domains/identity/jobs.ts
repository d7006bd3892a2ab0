import type { Chore } from '#server/platform/jobs/jobs.ts'
import { on, type Subscription } from '#server/platform/outbox/subscription.ts'
import { answerEmailChanges } from './accounts/answer-email-changes.ts'
import { answerRegistrations } from './accounts/answer-registrations.ts'
import { answerResetRequests } from './accounts/answer-reset-requests.ts'
import { deleteStaleRequests } from './accounts/delete-stale-requests.ts'
import { confirmationAsked, emailChangeAsked, resetAsked } from './accounts/requests.ts'
import { deleteOldUse } from './keys/delete-old-use.ts'
import { watchKeys } from './keys/watch-keys.ts'
import { deleteEndedSessions } from './sessions/delete-ended-sessions.ts'

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
  {
    name: 'identity.watch-keys',
    cron: '* * * * *',
    run: async (app) => {
      await watchKeys(app)
    },
  },
  {
    name: 'identity.delete-old-key-use',
    cron: '37 * * * *',
    run: async (app) => {
      await deleteOldUse(app)
    },
  },
  {
    name: 'identity.delete-stale-requests',
    cron: '41 * * * *',
    run: async (app) => {
      await deleteStaleRequests(app)
    },
  },
]

/** What was asked at the public doors is answered here, apart from the request. */
export const identitySubscriptions: readonly Subscription[] = [
  on(confirmationAsked, (tx, app, events) =>
    answerRegistrations(
      tx,
      app,
      events.map((each) => each.payload.registration_id),
    ),
  ),
  on(resetAsked, (tx, app, events) =>
    answerResetRequests(
      tx,
      app,
      events.map((each) => each.payload),
    ),
  ),
  on(emailChangeAsked, (tx, app, events) =>
    answerEmailChanges(
      tx,
      app,
      events.map((each) => each.payload.email_change_id),
    ),
  ),
]
