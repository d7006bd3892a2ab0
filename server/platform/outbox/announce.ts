import { setTimeout as delay } from 'node:timers/promises'
import type { App } from '../app.ts'
import { onOutboxWritten } from './written.ts'

/** The channel on which processes without a publisher tell those with one. */
export const OUTBOX_CHANNEL = 'saldo_outbox'

/** At most 50 messages a second and process, however many transactions emit: each NOTIFY takes a lock all commits with one share. */
const PAUSE_MS = 20

/**
 * Tells publishers in other processes that this one committed events. For processes without a publisher of their own (`saldo api`,
 * `saldo scheduler`). A message lost costs at most the publisher's slow poll.
 */
export function startAnnouncer(app: Pick<App, 'db' | 'log'>): { stop(): Promise<void> } {
  let sending = Promise.resolve()
  let busy = false
  let again = false

  async function send(): Promise<void> {
    try {
      do {
        again = false
        await app.db.query('select pg_notify($1, $2)', [OUTBOX_CHANNEL, ''])
        await delay(PAUSE_MS)
      } while (again)
    } catch (err) {
      app.log.warn({ err }, 'events could not be announced; publishers find them by their poll')
    } finally {
      busy = false
    }
  }

  const forget = onOutboxWritten(() => {
    again = true
    if (busy) return
    busy = true
    sending = send()
  })
  return {
    stop: () => {
      forget()
      return sending
    },
  }
}
