import type { App } from '../app.ts'
import { type Db, statement } from '../db/database.ts'
import { reportFailure } from '../telemetry/failures.ts'

/** A worker silent for so long is dead, or so ill that its jobs are better run elsewhere. Four missed signs of life. */
const SILENCE_S = 60

/** Jobs buried at once, so that a pass stays short. */
const BURY_MAX = 500

const SIGN_OF_LIFE = statement(`
insert into platform.job_runner (id) values ($1) on conflict (id) do update set seen_at = now()`)

const FORGET_DEAD = statement(`
delete from platform.job_runner where seen_at < now() - make_interval(secs => $1)`)

const RELEASE_ONE = statement(`
with forgotten as (delete from platform.job_runner where id = $1)
select graphile_worker.force_unlock_workers(array[$1])`)

// A worker younger than the silence has had no time to miss a sign of life, hence the age of the lock.
const RELEASE = statement(`
with abandoned as (
  select distinct locked_by from graphile_worker.jobs
  where locked_at < now() - make_interval(secs => $1)
    and locked_by not in (select id from platform.job_runner where seen_at >= now() - make_interval(secs => $1))
)
select locked_by as runner, graphile_worker.force_unlock_workers(array[locked_by]) from abandoned`)

// Jobs that ended outside our hands: their worker died in the last attempt.
const BURY_EXHAUSTED = statement(`
with exhausted as (
  select id, task_identifier, last_error from graphile_worker.jobs
  where attempts >= max_attempts and locked_at is null order by id limit $1
),
gone as (
  select * from graphile_worker.complete_jobs(array(select id from exhausted))
)
insert into platform.dead_letter
  (kind, source_id, name, payload, error, attempts, attempts_max, correlation, first_at, last_at)
select 'job', gone.id, exhausted.task_identifier,
  case when gone.payload -> 'correlation' is null then gone.payload else gone.payload -> 'payload' end,
  left(coalesce(gone.last_error, 'the worker died while it ran'), 2000),
  gone.attempts, gone.max_attempts, json_build_object('job_id', 'job_' || gone.id), gone.created_at, gone.updated_at
from gone join exhausted using (id)
on conflict (kind, source_id) do nothing
returning source_id, name, error`)

/**
 * One look after the queue, by the worker `runner`: gives a sign of life, gives back what dead workers had taken, and buries
 * jobs whose worker died in the last attempt. Any number of workers may do so at once.
 */
export async function watchQueue(app: App, runner: string | undefined): Promise<void> {
  if (runner !== undefined) await app.db.query(SIGN_OF_LIFE, [runner])
  for (const { runner: dead } of await app.db.query<{ runner: string }>(RELEASE, [SILENCE_S])) {
    app.log.warn({ runner: dead }, 'gave back the jobs of a worker that fell silent')
  }
  await app.db.query(FORGET_DEAD, [SILENCE_S * 10])
  await buryExhausted(app)
}

/** Gives back what the worker `runner`, which has ended, still holds. */
export async function releaseRunner(db: Db, runner: string): Promise<void> {
  await db.query(RELEASE_ONE, [runner])
}

async function buryExhausted(app: App): Promise<void> {
  const buried = await app.db.query<{ source_id: bigint; name: string; error: string }>(BURY_EXHAUSTED, [BURY_MAX])
  for (const { source_id, name, error } of buried) {
    outcomes(app).inc({ name, outcome: 'dead' })
    app.log.error({ job_id: `job_${source_id}`, job: name, error }, 'job given up: it is a dead letter now')
    // Its worker died with it, so this text is all that is known.
    reportFailure({ kind: 'job', name, error: new Error(error), correlation: { job_id: `job_${source_id}` } })
  }
}

function outcomes(app: App) {
  return app.metrics.counter('saldo_jobs_total', 'Runs of jobs by how they ended', ['name', 'outcome'])
}
