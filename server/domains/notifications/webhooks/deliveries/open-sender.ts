import { setImmediate as othersFirst } from 'node:timers/promises'
import type { App } from '#server/platform/app.ts'
import { openRecorder } from '#server/platform/db/open-recorder.ts'
import { concurrencyMax, timeoutMs } from '../settings.ts'
import { type ClaimedDelivery, claimDeliveries } from './claim-deliveries.ts'
import { succeeded } from './decide-delivery.ts'
import { Pace } from './pace.ts'
import { type Attempt, RECORD_ATTEMPTS_MAX, recordAttempts } from './record-attempts.ts'
import { REQUESTS_MAX, Rooms } from './rooms.ts'
import { type Sending, sendDelivery } from './send-delivery.ts'

/** A claim that took longer to commit is not acted upon: its lease must outlast whatever it sends. */
const CLAIM_MS_MAX = 3_000

/** Of a lease, beyond the request's own time-out: for writing down how it went. */
const LEASE_EXTRA_MS = 5_000

/**
 * Sent in one turn of the process, some milliseconds: all of a claim at once would hold up everything else that it does. Few make many turns, and on a busy machine
 * a claim then takes longer to send than its receivers to answer.
 */
const SENT_TOGETHER = 24

/** Looks in a row that found webhooks waiting and none that may be served, before the next is left to whoever wakes. */
const BARREN_MAX = 20

/** Batches under way at once. */
const RECORD_LANES = 2

/** Between two batches: nobody waits for what is written down, and ten of them cost ten times what one costs that is ten times as long. */
const RECORD_REST_MS = 20

/** Claims deliveries and sends them. */
export interface Sender {
  /** One pass for the webhooks that failed last, or for the others. True when there may be more at once. */
  pass(failing: boolean): Promise<boolean>
  /** Deliveries whose end is not yet written down. */
  inFlight(): number
}

/** Opens a sender. `onRoom` is called whenever a delivery is over, so that there is room for the next of its kind. */
export function openSender(sending: Sending, onRoom: (failing: boolean) => void): Sender {
  const { app } = sending
  const rooms = new Rooms(app)
  const pace = new Pace()
  const lanes = { quick: { after: 0n, barren: 0 }, failing: { after: 0n, barren: 0 } }
  const record = openAttemptRecorder(app)
  let in_flight = 0

  async function pass(failing: boolean): Promise<boolean> {
    const room = failing ? 'failing' : 'quick'
    const free = rooms.free(room)
    if (free <= 0) return false
    const lane = lanes[room]
    const max = failing ? 1 : app.settings.read(concurrencyMax)
    const started_ms = app.clock.monotonic_ms()
    const claim = await claimDeliveries(app, {
      room: free,
      failing,
      allowance: (webhook_id) => pace.allowance(webhook_id, max),
      lease_ms: CLAIM_MS_MAX + app.settings.read(timeoutMs) + LEASE_EXTRA_MS,
      after_webhook: lane.after,
    })
    lane.after = claim.last_webhook
    const { claimed } = claim
    if (app.clock.monotonic_ms() - started_ms > CLAIM_MS_MAX) {
      app.log.warn({ deliveries: claimed.length }, 'a claim of deliveries took too long; it runs out')
      return true
    }
    for (const [nth, delivery] of claimed.entries()) {
      if (nth > 0 && nth % SENT_TOGETHER === 0) await othersFirst()
      void carry(delivery, room)
    }
    lane.barren = claimed.length > 0 ? 0 : lane.barren + 1
    // What a webhook has due beyond its allowance follows when one of its requests is over, which wakes.
    return claim.more && (claimed.length > 0 || lane.barren % BARREN_MAX !== 0)
  }

  async function carry(delivery: ClaimedDelivery, room: 'quick' | 'failing'): Promise<void> {
    const { webhook_id, event_id } = delivery
    in_flight += 1
    pace.begin(webhook_id)
    const madeRoom = () => onRoom(room === 'failing')
    const leave = rooms.enter(room, madeRoom)
    let well = false
    try {
      const attempt = await sendDelivery(sending, delivery).finally(leave)
      well = succeeded(attempt.outcome)
      await record(attempt)
    } catch (err) {
      // The claim runs out, and the sweep makes the delivery due again.
      app.log.error({ err, webhook_id, event_id }, 'a delivery did not end well')
    } finally {
      in_flight -= 1
      pace.end(webhook_id, well, app.settings.read(concurrencyMax))
      madeRoom()
    }
  }

  return { pass, inFlight: () => in_flight }
}

function openAttemptRecorder(app: App): (attempt: Attempt) => Promise<void> {
  const attempts = app.metrics.counter('saldo_webhook_attempts_total', 'Requests to webhooks by how they ended', [
    'outcome',
  ])
  const record = openRecorder<Attempt>({
    write: (batch) => recordAttempts(app, batch),
    max: RECORD_ATTEMPTS_MAX,
    lanes: RECORD_LANES,
    rest_ms: RECORD_REST_MS,
    // Those under way, and those whose end is being written.
    waiting_max: 2 * REQUESTS_MAX,
    named: ({ event_id, webhook_id }) => ({ event_id, webhook_id }),
    log: app.log,
  })
  return (attempt) => {
    const { outcome } = attempt
    attempts.inc({ outcome: 'failure' in outcome ? outcome.failure : `${Math.floor(outcome.status / 100)}xx` })
    return record(attempt)
  }
}
