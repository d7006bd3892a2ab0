import { setTimeout as delay } from 'node:timers/promises'
import type { App } from '../app.ts'
import { statement } from '../db/database.ts'
import { type Listener, listen } from '../db/listen.ts'
import { startLoop } from '../db/loop.ts'
import { KnownSettings, type StandingRow } from './known-settings.ts'
import type { Settings } from './settings.ts'

/** A second's promise, with room for the answer itself. */
const LEASE_MS = 900

/** The listening connection confirms each 250 ms what is known. Without a confirmation for so long it is read again. */
const RENEW_MS = 450

/** How often that is looked at: a comparison in memory. */
const LOOK_MS = 100

/** A net below the notifications: nothing is used longer without being read again. */
const READ_AGAIN_MS = 60_000

/** A read without an answer for so long hangs on a connection that is gone; the next takes another. */
const READ_TIMEOUT_MS = 2_000

/** As `platform.tell_settings` names it. */
const CHANNEL = 'settings_changed'

const STANDING = statement(`
select distinct on (name) name, version, value::text as value from platform.setting_change order by name, version desc`)

/**
 * Reads the settings and follows their changes until closed, over a listening connection of its own; while that is down or hangs, by reading twice a second.
 * Throws what the database throws when they cannot be read at first.
 */
export async function openSettings(app: Pick<App, 'db' | 'clock' | 'log' | 'metrics'>): Promise<Settings> {
  const { clock, log, metrics } = app
  let listener: Listener | undefined
  const known = new KnownSettings(
    { listeningSince: () => listener?.listeningSince(), confirmedAt: () => listener?.confirmedAt() ?? 0 },
    app,
  )
  const age_ms = () => clock.monotonic_ms() - known.trueAt()
  const refresh = () => read(app, known)
  const follow = followerOf(app, known, age_ms)
  const following = startLoop({ name: 'settings.follow', run: follow, idle_ms: LOOK_MS, log, metrics })
  listener = await listen(app, CHANNEL, () => {
    known.changed()
    following.wake()
  })
  const { close: stopListening } = listener
  const close = async () => {
    await following.stop()
    await stopListening()
  }
  try {
    // Begun while the connection listens, so that it counts as heard from here on.
    await refresh()
  } catch (error) {
    await close()
    throw error
  }
  const help = 'How long ago the settings in memory were known to be true'
  metrics.gauge('saldo_settings_age_seconds', help, [], () => age_ms() / 1000)
  return {
    read: (setting) => known.read(setting),
    refresh,
    current: async () => {
      if (age_ms() >= LEASE_MS) await refresh()
    },
    close,
  }
}

async function read({ db, clock }: Pick<App, 'db' | 'clock'>, known: KnownSettings): Promise<void> {
  const take = known.begin(clock.monotonic_ms())
  const rows = await Promise.race([db.query<StandingRow>(STANDING), delay(READ_TIMEOUT_MS, undefined, { ref: false })])
  if (rows === undefined) throw new Error(`the settings could not be read within ${READ_TIMEOUT_MS} ms`)
  take(rows)
}

/** A pass of the loop: reads where it is due. A failure is told once and tried again at the next look, not after a growing wait. */
function followerOf(app: Pick<App, 'db' | 'clock' | 'log'>, known: KnownSettings, age_ms: () => number) {
  let failing = false
  return async (): Promise<boolean> => {
    const unread_ms = app.clock.monotonic_ms() - known.read_ms
    if (known.settled && age_ms() < RENEW_MS && unread_ms < READ_AGAIN_MS) return false
    try {
      await read(app, known)
      if (failing) app.log.info('settings are known again')
      failing = false
    } catch (err) {
      if (!failing) app.log.error({ err }, 'settings cannot be read; what was known last goes on')
      failing = true
    }
    return false
  }
}
