import { invariant } from '#server/kit/invariant.ts'
import type { App } from '../app.ts'
import { uncorrelated } from '../telemetry/correlation.ts'
import { readCron } from './cron.ts'
import type { Chore } from './jobs.ts'
import { runChore } from './run-chore.ts'

const MINUTE_MS = 60_000

/**
 * Runs chores on their schedule until stopped. Several schedulers at once run each chore once a tick. A tick that finds
 * the chore still running is left out, and so are ticks missed while the process slept. Throws at once for an unreadable cron or
 * a name used twice. `stop` waits for the chores under way.
 */
export function startScheduler(app: App, chores: readonly Chore[]): { stop(): Promise<void> } {
  invariant(new Set(chores.map((chore) => chore.name)).size === chores.length, 'two chores have one name')
  const timetable = chores.map((chore) => ({ chore, isDue: readCron(chore.cron, chore.name) }))
  const running = new Set<Promise<void>>()
  let timer: NodeJS.Timeout
  let next = minuteAfter(app.clock.now())

  function arm(): void {
    timer = setTimeout(wakeUp, Math.max(0, next.getTime() - app.clock.now().getTime()))
  }

  function wakeUp(): void {
    // A timer may go off a little early, or hours late when the machine slept: the minute is the one meant, or the present one.
    const now = app.clock.now()
    const minute = now < next ? next : minuteOf(now)
    next = minuteAfter(minute)
    for (const { chore } of timetable.filter((each) => each.isDue(minute))) {
      const run = start(app, chore, minute)
      running.add(run)
      void run.then(() => running.delete(run))
    }
    arm()
  }

  uncorrelated(arm)
  return {
    stop: async () => {
      clearTimeout(timer)
      await Promise.all(running)
    },
  }
}

async function start(app: App, chore: Chore, minute: Date): Promise<void> {
  try {
    await runChore(app, chore, minute)
  } catch (err) {
    app.log.error({ chore: chore.name, minute, err }, 'chore could not be taken up')
  }
}

function minuteOf(time: Date): Date {
  return new Date(Math.floor(time.getTime() / MINUTE_MS) * MINUTE_MS)
}

function minuteAfter(time: Date): Date {
  return new Date(minuteOf(time).getTime() + MINUTE_MS)
}
