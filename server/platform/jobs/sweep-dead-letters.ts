import { deadLettersKept } from './job-settings.ts'
import type { Chore } from './jobs.ts'

/** Deleted at once, so that locks and the log stay short; the next day takes the rest. */
const SWEEP_MAX = 10_000

/** Deletes dead letters that were replayed or dropped long ago. */
export const sweepDeadLetters: Chore = {
  name: 'platform.sweep-dead-letters',
  cron: '43 3 * * *',
  run: async (app) => {
    await app.db.query(
      `delete from platform.dead_letter where id in (
        select id from platform.dead_letter
        where state <> 'waiting' and settled_at < now() - make_interval(days => $1)
        order by settled_at limit $2)`,
      [app.settings.read(deadLettersKept), SWEEP_MAX],
    )
  },
}
