import type { App } from '#server/platform/app.ts'
import { type Loop, startLoop } from '#server/platform/db/loop.ts'
import type { Chore } from '#server/platform/jobs/jobs.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { EMAILS_AT_ONCE, openEmail } from '../channels/email/open-email.ts'
import { readUpdates } from '../channels/telegram/read-updates.ts'
import { sendToChat, TELEGRAMS_AT_ONCE } from '../channels/telegram/send-to-chat.ts'
import { sweepMessages } from './claim-messages.ts'
import type { ComposeDeps } from './compose-message.ts'
import { deleteOld } from './delete-old.ts'
import { gatherOccasions } from './gather-occasions.ts'
import { measureMessages } from './measure-messages.ts'
import type { SendOutcome } from './message.ts'
import { type Lane, openLane, type Way } from './send-messages.ts'
import { tellGathered } from './tell-gathered.ts'
import { onMessagesWritten } from './written.ts'

/** New messages of this process wake at once; the wait is for those that others wrote, and for tries that come due. */
const SEND_IDLE_MS = 1_000
/** The grain of what is gathered: the longer, the more occasions of a user change the row of what is gathered only once. */
const GATHER_IDLE_MS = 2_000
const SWEEP_IDLE_MS = 15_000
/** Between two questions to the bot that were not answered, or that another worker asks. */
const ASK_BOT_IDLE_MS = 3_000
/** While a stop waits for sendings under way: look this often, and no longer than that. Who dies in the middle of one sends it again later. */
const DRAIN_STEP_MS = 20
const DRAIN_MAX_MS = 15_000

/** What a message gets whose channel is not set up here: a person sees it and can send it again. */
const NOT_CONFIGURED: SendOutcome = {
  outcome: 'rejected',
  lasting: true,
  reason: 'not_configured',
  reply: 'This channel is not set up.',
}

/** Sends what waits to be sent, until stopped. Any number of workers may do so at once. */
export function startMessageWork(app: App, secrets: Secrets): { stop(): Promise<void> } {
  const { config, log, metrics } = app
  const email = config.smtp_url === undefined ? undefined : openEmail(config.smtp_url)
  const bot = config.telegram_token ? { token: config.telegram_token, base_url: config.telegram_url } : undefined
  const deps: ComposeDeps = { app, secrets, mail_from: config.mail_from }
  const senders = [
    startSender(app, deps, {
      channel: 'email',
      at_once: EMAILS_AT_ONCE,
      send: async (composed) => (email && composed.outcome === 'mail' ? email.send(composed.letter) : NOT_CONFIGURED),
    }),
    startSender(app, deps, {
      channel: 'telegram',
      at_once: TELEGRAMS_AT_ONCE,
      send: async (composed) =>
        bot && composed.outcome === 'telegram' ? sendToChat(app, bot, composed.letter) : NOT_CONFIGURED,
    }),
  ]
  const loop = (name: string, idle_ms: number, run: () => Promise<boolean>) =>
    startLoop({ name, idle_ms, run, log, metrics })
  const others = [
    loop('messages.gather', GATHER_IDLE_MS, async () => {
      const more = await gatherOccasions(app)
      return (await tellGathered(app)) || more
    }),
    loop('messages.sweep', SWEEP_IDLE_MS, async () => {
      await sweepMessages(app)
      await measureMessages(app)
      return false
    }),
  ]
  if (bot) others.push(loop('messages.telegram_bot', ASK_BOT_IDLE_MS, () => readUpdates(app, bot)))
  const forget = onMessagesWritten(() => {
    for (const sender of senders) sender.wake()
  })
  return {
    stop: async () => {
      forget()
      await Promise.all([...others.map((each) => each.stop()), ...senders.map((each) => each.stop())])
      email?.close()
    },
  }
}

/** Stops when no message of it is under way any more, or after DRAIN_MAX_MS. */
function startSender(app: App, deps: ComposeDeps, way: Way): Pick<Loop, 'wake' | 'stop'> {
  const lane: Lane = openLane(app, deps, way, () => sending.wake())
  const sending: Loop = startLoop({
    name: `messages.${way.channel}`,
    idle_ms: SEND_IDLE_MS,
    run: lane.run,
    log: app.log,
    metrics: app.metrics,
  })
  return {
    wake: sending.wake,
    stop: async () => {
      await sending.stop()
      const late_ms = app.clock.monotonic_ms() + DRAIN_MAX_MS
      while (lane.in_flight() > 0 && app.clock.monotonic_ms() < late_ms) {
        await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP_MS))
      }
    },
  }
}

/** The timetable's part. */
export const messageChores: readonly Chore[] = [{ name: 'messages.delete-old', cron: '41 3 * * *', run: deleteOld }]
