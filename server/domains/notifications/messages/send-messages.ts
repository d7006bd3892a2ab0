import { setTimeout as delay } from 'node:timers/promises'
import { backoff_ms } from '#server/kit/backoff.ts'
import { coalesce } from '#server/kit/coalesce.ts'
import type { App } from '#server/platform/app.ts'
import { readRecipients } from '../preferences/read-recipients.ts'
import { readTexts } from '../templates/read-texts.ts'
import { claimMessages } from './claim-messages.ts'
import { type ComposeDeps, type Composed, composeMessage } from './compose-message.ts'
import type { Message, MessageState, SendOutcome, SentChannel } from './message.ts'
import { type Ended, recordSends } from './record-sends.ts'

/** How one channel sends what was composed for it. */
export interface Way {
  readonly channel: SentChannel
  /** Under way at once. */
  readonly at_once: number
  send(composed: Extract<Composed, { letter: unknown }>): Promise<SendOutcome>
}

/** While the way itself is broken it is tried with growing pauses, not with every message. */
const PAUSE = { base_ms: 1_000, max_ms: 60_000 }

/** Outcomes written together. */
const RECORDED_TOGETHER = 100
const RECORD_TRIES = 5
const RECORD_WAIT = { base_ms: 100, max_ms: 2_000 }

/** One channel's sending in this process. */
export interface Lane {
  /** Claims what there is room for and sends it; answers when it is under way, not when it has ended. True when there may be more at once. */
  run(): Promise<boolean>
  in_flight(): number
}

/** Opens a channel's lane. `onRoom` is called whenever a message is no longer under way. One that hangs holds its own place and no other. */
export function openLane(app: App, deps: ComposeDeps, way: Way, onRoom: () => void): Lane {
  let in_flight = 0
  let failures = 0
  let paused_until_ms = Number.NEGATIVE_INFINITY
  const record = openRecorder(app)
  const outcomes = app.metrics.counter('saldo_messages_total', 'Sendings of messages by how they ended', [
    'channel',
    'outcome',
  ])

  /** The way is broken, or well again. */
  function judge(end: Ended['end']): void {
    if (end.outcome === 'accepted') failures = 0
    if (end.outcome !== 'rejected' || end.lasting || !end.house) return
    const now_ms = app.clock.monotonic_ms()
    if (now_ms < paused_until_ms) return
    failures += 1
    paused_until_ms = now_ms + (end.retry_after_ms ?? backoff_ms(failures, PAUSE))
  }

  async function carry(message: Message, compose: (message: Message) => Promise<Composed>): Promise<void> {
    try {
      const composed = await compose(message)
      const end = 'letter' in composed ? await way.send(composed) : composed
      judge(end)
      const state = await record({ message, end })
      outcomes.inc({ channel: way.channel, outcome: end.outcome })
      const about = { message_id: message.id, channel: way.channel, kind: message.kind, outcome: end.outcome, state }
      app.log[state === 'dead' ? 'warn' : 'debug'](about, 'message sending ended')
    } catch (err) {
      // The claim runs out, and the sweep gives the message back.
      app.log.error({ err, message_id: message.id }, 'the sending of a message did not end well')
    } finally {
      in_flight -= 1
      onRoom()
    }
  }

  return {
    in_flight: () => in_flight,
    run: async () => {
      const room = way.at_once - in_flight
      if (room <= 0 || app.clock.monotonic_ms() < paused_until_ms) return false
      const messages = await claimMessages(app, way.channel, room)
      if (messages.length === 0) return false
      // Counted before the next await: a stop waits for them.
      in_flight += messages.length
      const composing = composerFor(deps, messages)
      for (const message of messages) {
        void carry(message, async (each) => (await composing)(each))
      }
      return messages.length === room
    },
  }
}

/** Reads what all of them need by one statement each. */
async function composerFor(
  deps: ComposeDeps,
  messages: readonly Message[],
): Promise<(message: Message) => Promise<Composed>> {
  const user_ids = messages.flatMap((message) => (message.user_id === null ? [] : [message.user_id]))
  const [recipients, texts] = await Promise.all([
    readRecipients(deps.app.db, user_ids),
    readTexts(
      deps.app.db,
      messages.map((message) => message.kind),
    ),
  ])
  return (message) =>
    composeMessage(deps, message, message.user_id === null ? undefined : recipients.get(message.user_id), texts)
}

/** What was sent is written down again and again until it stands: forgetting it would send it twice. */
function openRecorder(app: App): (ended: Ended) => Promise<MessageState> {
  return coalesce(
    async (ended: Ended[]) => {
      for (let tries = 1; ; tries++) {
        try {
          return await recordSends(app, ended)
        } catch (err) {
          if (tries === RECORD_TRIES) throw err
          app.log.warn({ err, tries }, 'outcomes of messages could not be written yet')
          await delay(backoff_ms(tries, RECORD_WAIT))
        }
      }
    },
    { max: RECORDED_TOGETHER, lanes: 1, queue_max: 10_000 },
  )
}
