import type { App } from '../app.ts'
import { statement } from '../db/database.ts'
import { correlate } from '../telemetry/correlation.ts'
import { reportFailure } from '../telemetry/failures.ts'
import type { Chore } from './jobs.ts'

/** A scheduler that dies leaves its chores taken for no longer than this; one that lives renews in time. */
const LEASE_S = 60
const RENEW_MS = 20_000

/** Chores take milliseconds to minutes. */
const CHORE_SECONDS = [0.01, 0.1, 1, 10, 60, 600]

const TAKE = statement(`
insert into platform.chore (name, tick, busy_until) values ($1, $2, now() + make_interval(secs => $3))
on conflict (name) do update set tick = excluded.tick, busy_until = excluded.busy_until
where chore.tick < excluded.tick and (chore.busy_until is null or chore.busy_until < now())
returning name`)

const RENEW = statement(`
update platform.chore set busy_until = now() + make_interval(secs => $3) where name = $1 and tick = $2`)

const FINISH = statement('update platform.chore set busy_until = null where name = $1 and tick = $2')

/** `taken` means that another scheduler has this minute, or that the chore of an earlier minute still runs. */
export type ChoreOutcome = 'done' | 'failed' | 'taken'

/**
 * Runs `chore` for the minute `tick`, unless it was taken up already. A chore that throws is logged and counted; its next tick is
 * its next chance. Throws only what the database throws on taking it.
 */
export async function runChore(app: App, chore: Chore, tick: Date): Promise<ChoreOutcome> {
  const taken = await app.db.query(TAKE, [chore.name, tick, LEASE_S])
  if (taken.length === 0) return 'taken'
  const renewing = setInterval(() => {
    app.db.query(RENEW, [chore.name, tick, LEASE_S]).catch((err: Error) => {
      app.log.warn({ chore: chore.name, err }, 'could not renew the hold on a chore')
    })
  }, RENEW_MS)
  try {
    return await correlate({ chore: chore.name }, () => attempt(app, chore))
  } finally {
    clearInterval(renewing)
    await app.db.query(FINISH, [chore.name, tick])
  }
}

async function attempt(app: App, chore: Chore): Promise<ChoreOutcome> {
  const { metrics, log } = app
  const outcomes = metrics.counter('saldo_chores_total', 'Runs of chores by how they ended', ['name', 'outcome'])
  const end = metrics.histogram('saldo_chore_seconds', 'Length of a chore', CHORE_SECONDS, ['name']).startTimer()
  let outcome: ChoreOutcome = 'failed'
  try {
    await chore.run(app)
    outcome = 'done'
  } catch (err) {
    log.error({ err }, 'chore failed')
    reportFailure({ kind: 'chore', name: chore.name, error: err })
  }
  const seconds = end({ name: chore.name })
  outcomes.inc({ name: chore.name, outcome })
  log.debug({ seconds, outcome }, 'chore ended')
  return outcome
}
