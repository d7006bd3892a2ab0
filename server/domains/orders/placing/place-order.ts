import { BusyError } from '#server/domains/identity/errors.ts'
import type { KeyUse } from '#server/domains/identity/keys/key-use.ts'
import { coalesce, QueueFullError } from '#server/kit/coalesce.ts'
import type { App } from '#server/platform/app.ts'
import { countOutcome } from '../usage/count-outcome.ts'
import { PLACE_ORDERS_MAX, type PlaceOutcome, placeOrders } from './place-orders.ts'
import type { PlaceOrder } from './placement.ts'
import { weightOf } from './read-rhythm.ts'

/** Places one order. Throws BusyError, with nothing begun, when too many wait. */
export type PlaceSingleOrder = (input: PlaceOrder) => Promise<PlaceOutcome>

/** One batch is written while the next one is gathered; more lanes make smaller batches of the same work. */
const LANES = 1
/** Half a second of orders at full speed: who comes later would wait longer than callers do. */
const WAITING_MAX = 5_000

/** Makes the single call out of `placeOrders`: concurrent callers of this process share transactions. One a process. What comes of it is counted in `use`. */
export function openPlaceOrder(app: App, use: KeyUse): PlaceSingleOrder {
  const place = coalesce((inputs: PlaceOrder[]) => placeOrders(app, inputs), {
    max: PLACE_ORDERS_MAX,
    weigh: weightOf,
    lanes: LANES,
    queue_max: WAITING_MAX,
  })
  return async (input) => {
    try {
      const outcome = await place(input)
      countOutcome(use, input, outcome)
      return outcome
    } catch (error) {
      if (error instanceof QueueFullError) throw new BusyError()
      throw error
    }
  }
}
