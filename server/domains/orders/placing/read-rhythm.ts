import { type OrderType, typeRule } from '#server/domains/providers/order-types.ts'
import { DAYS_MAX, INTERVAL_MINUTES_MAX, type Rhythm, RUNS_MAX } from '../drip-feed/drip-feed.ts'
import type { OrderRefusal } from '../errors.ts'

/** The fields that make an order a drip-feed: texts as they came. */
export interface GivenRhythm {
  runs?: string | undefined
  /** Minutes from one run to the next. */
  interval?: string | undefined
}

/** Whether a drip-feed is asked for. Empty fields and zeros are nothing: clients send them with every order. */
export function asksForRuns({ runs, interval }: GivenRhythm): boolean {
  return isSet(runs) || isSet(interval)
}

/** Reads how often and at which distance; undefined when it is a plain order. One field without the other is refused. Pure. */
export function readRhythm(type: OrderType, given: GivenRhythm): Rhythm | undefined | OrderRefusal {
  if (!asksForRuns(given)) return undefined
  if (!typeRule(type).dripfeed) return withoutDripFeed(given)
  const runs = wholeUpTo(given.runs, RUNS_MAX)
  if (runs === undefined) return refuse('runs', `A drip-feed has 1 to ${RUNS_MAX} runs.`)
  const interval_minutes = wholeUpTo(given.interval, INTERVAL_MINUTES_MAX)
  if (interval_minutes === undefined) {
    return refuse('interval', `From one run to the next there are 1 to ${INTERVAL_MINUTES_MAX} minutes.`)
  }
  const days = ((runs - 1) * interval_minutes) / (24 * 60)
  if (days > DAYS_MAX) return refuse('runs', `The last run has to be due within ${DAYS_MAX} days.`)
  return { runs, interval_minutes }
}

/** The service is not to be had in runs. */
export function withoutDripFeed({ runs }: GivenRhythm): OrderRefusal {
  const field = isSet(runs) ? 'runs' : 'interval'
  return { code: 'parameter_not_supported', field, message: 'This service has no drip-feed.' }
}

/** How many orders a request makes at the most, by its fields alone. */
export function weightOf({ runs }: GivenRhythm): number {
  return runs === undefined ? 1 : (wholeUpTo(runs, RUNS_MAX) ?? 1)
}

function wholeUpTo(text: string | undefined, max: number): number | undefined {
  const value = /^\d{1,9}$/.test(text?.trim() ?? '') ? Number(text) : 0
  return value >= 1 && value <= max ? value : undefined
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '' && value.trim() !== '0'
}

function refuse(field: 'runs' | 'interval', message: string): OrderRefusal {
  return { code: 'parameter_invalid', field, message }
}
