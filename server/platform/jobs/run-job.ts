import type { Job } from 'graphile-worker'
import { backoff_ms } from '#server/kit/backoff.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import { encodeJson } from '#server/kit/json.ts'
import type { App } from '../app.ts'
import { statement } from '../db/database.ts'
import { type CorrelationIds, correlate } from '../telemetry/correlation.ts'
import { reportFailure } from '../telemetry/failures.ts'
import { openEnvelope } from './envelope.ts'
import { errorText } from './error-text.ts'
import { jobRetryBase, jobRetryFactor, jobRetryMax } from './job-settings.ts'
import type { JobDefinition } from './jobs.ts'

/** Jobs are background work of milliseconds to minutes. */
const JOB_SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600]

// A worker that dies after this and before the job leaves the queue will come here again: one letter a job.
const BURY = statement(`
insert into platform.dead_letter
  (kind, source_id, name, payload, error, attempts, attempts_max, correlation, first_at, last_at)
values ('job', $1, $2, $3::json, $4, $5, $6, $7::json, $8, now())
on conflict (kind, source_id) do nothing`)

const EXHAUSTED = statement('select from graphile_worker.jobs where id = $1 and attempts >= max_attempts')

// The library's own waits cannot be set, so a job that failed is given back here. One of a named queue is left to the library, which frees the queue with it.
const GIVE_BACK = statement(`
update graphile_worker._private_jobs
set locked_by = null, locked_at = null, last_error = $3, run_at = now() + $4 * interval '1 millisecond'
where id = $1 and attempts = $2 and locked_by is not null and job_queue_id is null returning id`)

/** No job has this number. */
const NO_JOB = '0'

type Outcome = 'done' | 'retry' | 'dead' | 'malformed' | 'replaced'

/**
 * Runs one job from the queue. Returns when the job is to leave the queue: it is done, or a dead letter now (its last attempt failed, or its
 * payload is malformed), or a newer job of its key has taken its place. Throws the job's error when it is to be tried again.
 */
export async function runJob<P>(app: App, definition: JobDefinition<P>, job: Job): Promise<void> {
  const job_id = `job_${job.id}`
  const end = durations(app).startTimer({ name: definition.name })
  const ended = (outcome: Outcome) => {
    outcomes(app).inc({ name: definition.name, outcome })
    return end()
  }
  let payload: P
  let correlation: CorrelationIds = { job_id }
  try {
    const envelope = openEnvelope(job.payload)
    correlation = { ...envelope.correlation, job_id }
    payload = definition.parse(envelope.payload)
  } catch (error) {
    await bury(app, job, correlation, error)
    ended('malformed')
    app.log.error({ ...correlation, job: job.task_identifier, err: error }, 'job is malformed: it is a dead letter now')
    reportFailure({ kind: 'job', name: job.task_identifier, error, correlation })
    return
  }
  await correlate(correlation, () => attempt(app, definition, payload, job, correlation, ended))
}

async function attempt<P>(
  app: App,
  definition: JobDefinition<P>,
  payload: P,
  job: Job,
  correlation: CorrelationIds,
  ended: (outcome: Outcome) => number,
): Promise<void> {
  const about = { job: definition.name, attempt: job.attempts, attempts_max: job.max_attempts }
  try {
    await definition.run(app, payload)
    const seconds = ended('done')
    app.log.debug({ ...about, seconds }, 'job done')
  } catch (err) {
    if (job.attempts >= job.max_attempts) {
      await bury(app, job, correlation, err)
      ended('dead')
      app.log.error({ ...about, err }, 'job given up: it is a dead letter now')
      reportFailure({ kind: 'job', name: definition.name, error: err })
    } else if (await isReplaced(app, job)) {
      ended('replaced')
      app.log.info({ ...about, err }, 'job failed, but a newer one of its key has taken its place')
    } else {
      ended('retry')
      const wait_ms = waitAfter(app, job.attempts)
      app.log.warn({ ...about, wait_ms, err }, 'job failed and will be tried again')
      // A defect of ours is no better for being tried again.
      if (err instanceof InvariantError) reportFailure({ kind: 'job', name: definition.name, error: err })
      // The queue's own column takes no NUL either.
      const text = errorText(err)
      const given_back = await app.db.query(GIVE_BACK, [job.id, job.attempts, text, wait_ms])
      // What the library writes next about this failure must not meet the job's next run.
      if (given_back.length > 0) job.id = NO_JOB
      throw new Error(text, { cause: err })
    }
  }
}

function waitAfter({ settings }: App, failures: number): number {
  return backoff_ms(failures, {
    base_ms: settings.read(jobRetryBase),
    factor: settings.read(jobRetryFactor),
    max_ms: settings.read(jobRetryMax),
  })
}

async function bury(app: App, job: Job, correlation: CorrelationIds, error: unknown): Promise<void> {
  await app.db.query(BURY, [
    job.id,
    job.task_identifier,
    payloadText(job.payload),
    errorText(error),
    job.attempts,
    job.max_attempts,
    encodeJson(correlation),
    job.created_at,
  ])
}

/** What lies in the envelope, or all of it where there is none. */
function payloadText(stored: unknown): string | null {
  const payload =
    typeof stored === 'object' && stored !== null && 'correlation' in stored
      ? (stored as { payload?: unknown }).payload
      : stored
  return payload === undefined ? null : encodeJson(payload)
}

/** When a job of the same key comes while this one runs, the queue takes this one's remaining attempts away. */
async function isReplaced(app: App, job: Job): Promise<boolean> {
  if (job.key === null) return false
  return (await app.db.query(EXHAUSTED, [job.id])).length > 0
}

function outcomes(app: App) {
  return app.metrics.counter('saldo_jobs_total', 'Runs of jobs by how they ended', ['name', 'outcome'])
}

function durations(app: App) {
  return app.metrics.histogram('saldo_job_seconds', 'Length of a run of a job', JOB_SECONDS, ['name'])
}
