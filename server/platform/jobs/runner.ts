import { EventEmitter } from 'node:events'
import { type LogFunctionFactory, Logger, type Runner, run, type TaskList, type WorkerEvents } from 'graphile-worker'
import pg from 'pg'
import { invariant } from '#server/kit/invariant.ts'
import type { App } from '../app.ts'
import { startLoop } from '../db/loop.ts'
import { uncorrelated } from '../telemetry/correlation.ts'
import type { Log } from '../telemetry/log.ts'
import type { JobDefinition } from './jobs.ts'
import { runJob } from './run-job.ts'
import { releaseRunner, watchQueue } from './watch-queue.ts'

export interface JobRunnerOptions {
  /** Jobs at once. Each works with the app's own connections besides. */
  concurrency?: number
  /** How often to look for jobs whose time has come; new ones are told of at once. */
  poll_ms?: number
}

/** Enough to keep two cores busy with jobs that mostly wait for the database. */
const CONCURRENCY = 8
const POLL_MS = 2_000

/** How soon a runner that ended by itself is replaced. */
const RESTART_MS = 1_000

/** Signs of life, cleaning. */
const WATCH_MS = 15_000

/**
 * Runs jobs of these kinds until stopped. A runner that ends by itself, as when the database went away, is replaced. A kind not listed
 * stays in the queue for a worker that knows it. `stop` takes no more jobs and waits for those under way.
 */
export function startJobRunner(
  app: App,
  definitions: readonly JobDefinition<unknown>[],
  options: JobRunnerOptions = {},
): { stop(): Promise<void> } {
  const tasks = tasksOf(app, definitions)
  const common = { log: app.log, metrics: app.metrics }
  let current: Runner | undefined
  let runner_id: string | undefined
  let stopping = false

  const running = startLoop({
    ...common,
    name: 'jobs.run',
    idle_ms: RESTART_MS,
    run: async () => {
      if (stopping) return false
      const pool = openPool(app, options)
      const events: WorkerEvents = new EventEmitter()
      events.on('pool:create', ({ workerPool }) => {
        runner_id = workerPool.id
      })
      try {
        current = await startRunner(app, tasks, { pool, events, options })
        if (stopping) await current.stop()
        await current.promise
      } finally {
        void pool.end()
        const ended = runner_id
        current = undefined
        runner_id = undefined
        if (ended !== undefined) await giveBack(app, ended)
      }
      return false
    },
  })
  const watching = startLoop({
    ...common,
    name: 'jobs.watch',
    idle_ms: WATCH_MS,
    run: async () => {
      await watchQueue(app, runner_id)
      return false
    },
  })
  return {
    stop: async () => {
      stopping = true
      await current?.stop()
      await Promise.all([running.stop(), watching.stop()])
    },
  }
}

/** Nothing runs in a runner that has ended; what it still holds is a job whose end it could not write. */
async function giveBack(app: App, runner: string): Promise<void> {
  try {
    await releaseRunner(app.db, runner)
  } catch (err) {
    app.log.warn({ runner, err }, 'could not give back the jobs of a runner that ended; they are free in a minute')
  }
}

function tasksOf(app: App, definitions: readonly JobDefinition<unknown>[]): TaskList {
  const tasks: TaskList = {}
  for (const definition of definitions) {
    invariant(!(definition.name in tasks), `two jobs are named ${definition.name}`)
    tasks[definition.name] = (_payload, { job }) => uncorrelated(() => runJob(app, definition, job))
  }
  return tasks
}

/**
 * The connections of a runner. Not the app's own: the library reads bigint as text, and its listening connection must not take one of those. Made here, for what the library makes it stops listening to
 * before it has closed it: a connection that broke between would end the process.
 */
function openPool(app: App, options: JobRunnerOptions): pg.Pool {
  const { connectionString } = app.db.pool.options
  invariant(connectionString !== undefined, 'the database was opened without a URL')
  const max = (options.concurrency ?? CONCURRENCY) + 2
  const pool = new pg.Pool({ connectionString, max, application_name: 'saldo jobs' })
  // Whoever is just using it is told by the query that fails; who is not needs not be.
  const onError = (err: Error) => app.log.debug({ err }, 'a connection of the job runner broke')
  pool.on('error', onError)
  pool.on('connect', (client) => client.on('error', onError))
  return pool
}

interface Start {
  pool: pg.Pool
  events: WorkerEvents
  options: JobRunnerOptions
}

function startRunner(app: App, taskList: TaskList, { pool, events, options }: Start): Promise<Runner> {
  return run({
    pgPool: pool,
    concurrency: options.concurrency ?? CONCURRENCY,
    pollInterval: options.poll_ms ?? POLL_MS,
    taskList,
    parsedCronItems: [],
    // Not for speed: only in this mode does the library wait for what it writes about a job that ended. When that fails, the
    // runner ends and is replaced; in the other mode it is an unhandled rejection, which ends the process.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    noHandleSignals: true,
    events,
    logger: new Logger(logInto(app.log)),
  })
}

/** The library's messages in our log. It tells each run of a job, which `runJob` has told better, so those are for debugging. */
function logInto(log: Log): LogFunctionFactory {
  return () => (level, message, meta) => {
    if (level === 'error' && !meta?.failure) log.error({ err: meta?.error }, message)
    else if (level === 'warning') log.warn(message)
    else log.debug(message)
  }
}
