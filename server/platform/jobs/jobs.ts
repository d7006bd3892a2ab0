import type { App } from '../app.ts'
import type { Tx } from '../db/database.ts'

/** A kind of job. Every job may run twice. */
export interface JobDefinition<Payload> {
  /** `orders.import-services`: domain, dot, verb. */
  readonly name: string
  /** Tries before it becomes a dead letter; without it, as many as the setting `jobs.attempts_max` says. */
  readonly attempts?: number
  /** Checks a stored payload; throws on a malformed one, which then is a dead letter at once. */
  parse(payload: unknown): Payload
  run(app: App, payload: Payload): Promise<void>
}

/** Work on a schedule: five-field cron in UTC. `name` is unique; a run missed while everything was stopped is not made up for. */
export interface Chore {
  readonly name: string
  readonly cron: string
  run(app: App): Promise<void>
}

/** When and under which key a job runs. */
export interface EnqueueOptions {
  /** Not before this; at once without it. */
  run_at?: Date
  /** A waiting job of this key is replaced. One that already runs is left to its end, but not tried again. */
  key?: string
}

/**
 * The job queue, in PostgreSQL. Not for the hottest paths: adding a job sends a NOTIFY, and commits with one queue behind one another. Those `emit`
 * an event, and a subscriber enqueues.
 */
export interface Jobs {
  /** Enqueues in the transaction that causes the work. With `key`, a waiting job of that key is replaced. */
  enqueue<P>(tx: Tx, job: JobDefinition<P>, payload: P, options?: EnqueueOptions): void
  /** Enqueues a job for each payload, by one statement. */
  enqueueMany<P>(tx: Tx, job: JobDefinition<P>, payloads: readonly P[], options?: Pick<EnqueueOptions, 'run_at'>): void
  close(): Promise<void>
}
