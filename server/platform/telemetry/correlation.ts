import { AsyncLocalStorage } from 'node:async_hooks'

/** What the work at hand belongs to: `request_id`, `job_id`, `order_id` … Short texts, no secrets. */
export type CorrelationIds = Readonly<Record<string, string>>

const ids = new AsyncLocalStorage<CorrelationIds>()

const NONE: CorrelationIds = Object.freeze({})

/** Runs `work` so that each line logged within, also later and across `await`, carries `more` besides the ids of the caller. */
export function correlate<T>(more: CorrelationIds, work: () => T): T {
  const outer = ids.getStore()
  return ids.run(outer === undefined ? more : { ...outer, ...more }, work)
}

/** Runs `work` under no one's ids: for a batch or a loop that serves many callers but was started by one of them. */
export function uncorrelated<T>(work: () => T): T {
  return ids.run(NONE, work)
}

/** The ids of the work at hand; empty outside `correlate`. */
export function correlationIds(): CorrelationIds {
  return ids.getStore() ?? NONE
}
