import { z } from 'zod'
import type { App } from '../app.ts'
import { statement } from '../db/database.ts'
import type { Chore } from '../jobs/jobs.ts'
import { defineSetting } from '../settings/setting.ts'

/** How long a repeated request is known again. */
export const answersKeptHours = defineSetting({
  name: 'idempotency.kept_hours',
  schema: z.number().int().min(24).max(720),
  default: 48,
  description:
    'How long a request under an Idempotency-Key is known again, at least. Clients that were cut off for longer would carry it out twice; longer takes room.',
  unit: 'hours',
})

/** One statement's work, so that its locks are short. */
const DELETE_MAX = 10_000
/** One run's work; the next one takes the rest. */
const ROUNDS_MAX = 100

const DELETE = statement(`
  with old as (
    select caller, route, key from platform.idempotent_request
    where at < $1 order by at limit ${DELETE_MAX} for update skip locked
  )
  delete from platform.idempotent_request r using old
  where (r.caller, r.route, r.key) = (old.caller, old.route, old.key)
  returning true as deleted`)

/** Deletes answers older than the setting says; answers how many. */
export async function sweepAnswers(app: Pick<App, 'db' | 'clock' | 'settings'>): Promise<number> {
  const before = new Date(app.clock.now().getTime() - app.settings.read(answersKeptHours) * 3_600_000)
  let swept = 0
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const deleted = await app.db.query(DELETE, [before])
    swept += deleted.length
    if (deleted.length < DELETE_MAX) break
  }
  return swept
}

/** Each hour, at a minute of its own. */
export const sweepAnswersChore: Chore = {
  name: 'platform.sweep-idempotent-answers',
  cron: '37 * * * *',
  run: async (app) => {
    await sweepAnswers(app)
  },
}
