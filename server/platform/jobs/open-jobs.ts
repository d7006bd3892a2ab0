import { invariant } from '#server/kit/invariant.ts'
import { textArray } from '../db/arrays.ts'
import { statement } from '../db/database.ts'
import type { Settings } from '../settings/settings.ts'
import { correlationIds } from '../telemetry/correlation.ts'
import { hasSecretValue } from '../telemetry/secret-values.ts'
import { sealEnvelope } from './envelope.ts'
import { jobAttempts } from './job-settings.ts'
import type { JobDefinition, Jobs } from './jobs.ts'

/** A job names what is to be done; the data it needs lies in tables. */
const PAYLOAD_LENGTH_MAX = 100_000

/** A batch of any verb, with room. */
const JOBS_MAX = 20_000

const ADD_JOB = statement(`
select from graphile_worker.add_job($1, payload := $2::json, run_at := $3, max_attempts := $4, job_key := $5)`)

const ADD_JOBS = statement(`
select from graphile_worker.add_jobs(array(
  select row($1, payload, null, $3, $4, null, null, null)::graphile_worker.job_spec from unnest($2::json[]) as payload
))`)

/** Opens the way into the queue. It needs no connection of its own, since every job is enqueued by someone's transaction. */
export function openJobs(settings: Settings): Jobs {
  const attemptsOf = (job: Pick<JobDefinition<unknown>, 'attempts'>) => job.attempts ?? settings.read(jobAttempts)
  return {
    enqueue: (tx, job, payload, options = {}) => {
      const text = checkedEnvelope(job.name, payload)
      tx.send(ADD_JOB, [job.name, text, options.run_at ?? null, attemptsOf(job), options.key ?? null])
    },
    enqueueMany: (tx, job, payloads, options = {}) => {
      if (payloads.length === 0) return
      invariant(payloads.length <= JOBS_MAX, `enqueueMany: more than ${JOBS_MAX} jobs`)
      const texts = payloads.map((payload) => checkedEnvelope(job.name, payload))
      tx.send(ADD_JOBS, [job.name, textArray(texts), options.run_at ?? null, attemptsOf(job)])
    },
    close: async () => {},
  }
}

function checkedEnvelope(name: string, payload: unknown): string {
  const text = sealEnvelope(payload, correlationIds())
  invariant(text.length <= PAYLOAD_LENGTH_MAX, `the payload of job ${name} exceeds ${PAYLOAD_LENGTH_MAX} characters`)
  // A dead letter keeps its payload until someone settles it, as it was: it must go back into the queue.
  invariant(!hasSecretValue(text), `a secret stands in the payload of job ${name}`)
  return text
}
