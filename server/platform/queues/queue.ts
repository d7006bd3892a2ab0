import type { Db } from '../db/database.ts'

/**
 * Where in a queue something stands. ready: a worker may take it now. later: its time has not come. running: a worker has it. stuck: it waits for a
 * person.
 */
export const STAGES = ['ready', 'later', 'running', 'stuck'] as const
export type Stage = (typeof STAGES)[number]

/** How many things of one kind are in one state. */
export interface QueueFigure {
  /** Whose queue: `jobs`, `orders`. */
  readonly queue: string
  /** What is done with them: the kind of job, `dispatch`. */
  readonly kind: string
  /** In the words of whoever owns the queue: `queued`, `dead`. */
  readonly state: string
  readonly stage: Stage
  /** Where counting is dear, no more than DEPTH_MAX. */
  readonly depth: number
  /** Since when the one that has waited longest waits; null where that is not known or there is none. */
  readonly oldest_at: Date | null
}

/** Tells what is in the queues of its owner: a few cheap statements, for they run several times a minute. A state without anything in it is told as 0. */
export type QueueReporter = (db: Db) => Promise<QueueFigure[]>

/** Whoever has so many waiting needs no exact figure, and counting on would be felt. */
export const DEPTH_MAX = 100_000

/** What all reporters tell, in their order. */
export async function reportQueues(db: Db, reporters: readonly QueueReporter[]): Promise<QueueFigure[]> {
  const figures: QueueFigure[] = []
  // One after another: all at once they took every connection of the pool, and whoever came meanwhile waited behind the counting.
  for (const report of reporters) figures.push(...(await report(db)))
  return figures
}
