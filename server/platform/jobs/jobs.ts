import type { App } from '../app.ts'
import type { Tx } from '../db/database.ts'

/** A kind of job. Every job may run twice. */
export interface JobDefinition<Payload> {
  /** `orders.import-services`: domain, dot, verb. */
  readonly name: string
  /** Tries before it becomes a dead letter. */
  readonly attempts: number
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

/** The job queue, in PostgreSQL. */
export interface Jobs {
  /** Enqueues in the transaction that causes the work. With `key`, a waiting job of that key is replaced. */
  enqueue<P>(tx: Tx, job: JobDefinition<P>, payload: P, options?: { run_at?: Date; key?: string }): void
  close(): Promise<void>
}
