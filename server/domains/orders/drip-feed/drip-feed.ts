import {
  type CustomerOrder,
  FINAL_STATES,
  netCharge,
  type VisibleStatus,
  visibleRemains,
  visibleStatus,
} from '../order.ts'

/** More runs would be held in one transaction than other customers should wait for. */
export const RUNS_MAX = 1_000
/** A month. */
export const INTERVAL_MINUTES_MAX = 43_200
/** Money is not held for longer than anyone remembers what for. */
export const DAYS_MAX = 90

/** How often, and at which distance. */
export interface Rhythm {
  runs: number
  interval_minutes: number
}

/** An order in runs, each an order of its own. All else is said by its runs. */
export interface DripFeed extends Rhythm {
  id: bigint
  customer_id: bigint
  request_key: string | null
  placed_at: Date
  cancelled_at: Date | null
}

/** When a run is due, the first being run 1; null for that, which is due at once. */
export function dueAt({ interval_minutes }: Rhythm, run: number, placed_at: Date): Date | null {
  return run === 1 ? null : new Date(placed_at.getTime() + (run - 1) * interval_minutes * 60_000)
}

/** What of a run counts for its drip-feed; or of several runs in one state, added up, with the start count of the first. */
export type RunFigures = Pick<
  CustomerOrder,
  'state' | 'charge' | 'captured' | 'released' | 'refunded' | 'quantity' | 'remains' | 'start_count'
>

/** A drip-feed as its customer sees it: what its runs come to. */
export interface FeedFigures {
  status: VisibleStatus
  /** Net, of all runs together. */
  charge: bigint
  quantity: bigint
  remains: bigint
  /** Of the first run. */
  start_count: bigint | null
}

/**
 * What the runs of a drip-feed come to, as customers see orders. It is Pending until one of them has begun, and In progress until all have ended: then as they ended, or Partial
 * where they ended differently.
 */
export function figuresOf(runs: readonly RunFigures[]): FeedFigures {
  return {
    status: statusOf(runs),
    charge: sum(runs.map(netCharge)),
    quantity: sum(runs.map((run) => run.quantity)),
    remains: sum(runs.map(visibleRemains)),
    start_count: runs[0]?.start_count ?? null,
  }
}

function statusOf(runs: readonly RunFigures[]): VisibleStatus {
  const [first = 'Pending', ...others] = new Set(runs.map((run) => visibleStatus(run.state)))
  if (others.length === 0) return first
  return runs.every((run) => FINAL_STATES.includes(run.state)) ? 'Partial' : 'In progress'
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((all, each) => all + each, 0n)
}
