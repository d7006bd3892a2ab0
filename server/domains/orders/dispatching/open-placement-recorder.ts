import type { App } from '#server/platform/app.ts'
import { openRecorder } from '#server/platform/db/open-recorder.ts'
import { type Placement, RECORD_PLACEMENTS_MAX, recordPlacements } from './record-placements.ts'

/** Batches under way at once. They meet on the provider's account, so that more would only wait. */
const LANES = 2

/** More answers cannot wait: no more orders are under way than the providers' lines hold. */
const WAITING_MAX = 100_000

/** Gathers the ends of attempts and writes them down in batches, as `openRecorder` of the platform has it. */
export function openPlacementRecorder(app: App): (placement: Placement) => Promise<void> {
  return openRecorder({
    write: (placements) => recordPlacements(app, placements),
    max: RECORD_PLACEMENTS_MAX,
    lanes: LANES,
    waiting_max: WAITING_MAX,
    named: ({ order_id }) => ({ order_id }),
    log: app.log,
  })
}
